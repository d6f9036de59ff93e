#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/step_path.hpp"
#include "runtime/cli/task_view.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>

namespace geartrain {

namespace {

int list(const cli_context& context, const std::string& task) {
  return show_answer(context, get_from_server(context, steps_path(task)),
                     [&context](const nlohmann::json& steps) { return render_step_list(steps, context.paint); });
}

int show(const cli_context& context, const std::string& task, const std::string& step) {
  auto path = find_step_path(context, task, step);
  if (!path)
    return fail(context, path.error());
  return show_answer(context, get_from_server(context, *path),
                     [&context](const nlohmann::json& body) { return render_step(body, context.paint); });
}

} // namespace

void add_step_commands(CLI::App& app, cli_context& context) {
  struct arguments {
    std::string task;
    std::string step;
  };
  auto given = std::make_shared<arguments>();
  auto group = app.add_subcommand("step", "Look at the steps of a task, and help them on");
  group->require_subcommand(1);
  auto list_app = group->add_subcommand("list", "List the steps of a task");
  list_app->add_option("TASK", given->task, "UUID of the task")->required();
  list_app->callback([&context, given] { context.run = [&context, given] { return list(context, given->task); }; });
  auto show_app = group->add_subcommand("show", "Show one step with its result or error");
  show_app->add_option("TASK", given->task, "UUID of the task")->required();
  show_app->add_option("STEP", given->step, "Name or UUID of the step")->required();
  show_app->callback(
    [&context, given] { context.run = [&context, given] { return show(context, given->task, given->step); }; });
  add_step_acts(*group, context);
}

} // namespace geartrain
