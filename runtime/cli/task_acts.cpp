#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/insight_view.hpp"
#include "runtime/cli/operator_flags.hpp"
#include "runtime/cli/task_view.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace geartrain {

namespace {

struct act_flags {
  std::string task;
  operator_flags note;
};

/// A command that sends a note to a path below a task and shows the task after it.
void add_act(CLI::App& group, cli_context& context, const char* name, const char* help, const char* method,
             const char* below) {
  auto flags = std::make_shared<act_flags>();
  auto app = group.add_subcommand(name, help);
  app->add_option("TASK", flags->task, "UUID of the task")->required();
  add_operator_flags(*app, flags->note);
  app->callback([&context, flags, method, below] {
    context.run = [&context, flags, method, below] {
      auto target = "/v1/tasks/" + percent_encode(flags->task) + below;
      return show_answer(context, send_to_server(context, method, target, note_body(flags->note)),
                         [&context](const nlohmann::json& task) { return render_task(task, context.paint); });
    };
  });
}

} // namespace

void add_task_acts(CLI::App& group, cli_context& context) {
  add_act(group, context, "cancel", "Cancel a task and all of its steps that are not over", "DELETE", "");
  add_act(group, context, "pause", "Hand out nothing more of a task; what runs goes on", "POST", "/pause");
  add_act(group, context, "resume", "Let a paused task go on", "POST", "/resume");
  auto task = std::make_shared<std::string>();
  auto summary = group.add_subcommand("summary", "Show a task, its steps and its dead letters in short");
  summary->add_option("TASK", *task, "UUID of the task")->required();
  summary->callback([&context, task] {
    context.run = [&context, task] {
      return show_answer(context, get_from_server(context, "/v1/tasks/" + percent_encode(*task) + "/summary"),
                         [&context](const nlohmann::json& body) { return render_summary(body, context.paint); });
    };
  });
}

} // namespace geartrain
