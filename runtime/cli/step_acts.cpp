#include "runtime/cli/create_body.hpp"
#include "runtime/cli/insight_view.hpp"
#include "runtime/cli/operator_flags.hpp"
#include "runtime/cli/step_path.hpp"
#include "runtime/cli/task_view.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace geartrain {

namespace {

struct act_flags {
  std::string task;
  std::string step;
  operator_flags note;
  std::string result = "{}"; ///< as for --input: JSON, @FILE or -
  std::optional<std::string> metadata;
};

/// Empty if the text is JSON.
std::string complaint_about(const char* flag, const std::string& text) {
  try {
    auto parsed = nlohmann::json::parse(text);
    return parsed.is_discarded() ? fmt::format("{} is no valid JSON", flag) : std::string{};
  } catch (const nlohmann::json::parse_error& e) {
    return fmt::format("{} is no valid JSON, see byte {}; mind the quoting of your shell, or use @FILE", flag, e.byte);
  }
}

std::string tagged_body(const char* action, const char* who_name, const operator_flags& note) {
  nlohmann::json body{{"action_type", action}, {who_name, note.by}, {"reason", note.reason.value_or("")}};
  return dump_json(body);
}

int send(const cli_context& context, const act_flags& flags, std::string body) {
  auto path = find_step_path(context, flags.task, flags.step);
  if (!path)
    return fail(context, path.error());
  return show_answer(context, send_to_server(context, "PATCH", *path, std::move(body)),
                     [&context](const nlohmann::json& step) { return render_step(step, context.paint); });
}

/// The result goes in as it was written, number for number.
int complete(const cli_context& context, const act_flags& flags) {
  auto result = read_input(flags.result);
  auto metadata = read_input(flags.metadata.value_or("null"));
  for (const auto* read : {&result, &metadata})
    if (!*read)
      return fail_usage(context, read->error().message);
  for (const auto& complaint : {complaint_about("--result", *result), complaint_about("--metadata", *metadata)})
    if (!complaint.empty())
      return fail_usage(context, complaint);
  auto body = tagged_body("complete_manually", "completed_by", flags.note);
  body.pop_back();
  return send(context, flags,
              fmt::format("{},\"completion_data\":{{\"result\":{},\"metadata\":{}}}}}", body, *result, *metadata));
}

CLI::App* add_command(CLI::App& group, const char* name, const char* help, act_flags& flags) {
  auto app = group.add_subcommand(name, help);
  app->add_option("TASK", flags.task, "UUID of the task")->required();
  app->add_option("STEP", flags.step, "Name or UUID of the step")->required();
  return app;
}

void add_plain_act(CLI::App& group, cli_context& context, const char* name, const char* help, const char* action,
                   const char* who_name) {
  auto flags = std::make_shared<act_flags>();
  auto app = add_command(group, name, help, *flags);
  add_operator_flags(*app, flags->note, reason_flag::required);
  app->callback([&context, flags, action, who_name] {
    context.run = [&context, flags, action, who_name] {
      return send(context, *flags, tagged_body(action, who_name, flags->note));
    };
  });
}

void add_complete(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<act_flags>();
  auto app = add_command(group, "complete", "Complete a step by hand, with a result", *flags);
  add_operator_flags(*app, flags->note, reason_flag::required);
  app->add_option("--result", flags->result, "Its result: JSON, @FILE, or - for standard input")->capture_default_str();
  app->add_option("--metadata", flags->metadata, "What to keep beside it: JSON or @FILE");
  app->callback([&context, flags] { context.run = [&context, flags] { return complete(context, *flags); }; });
}

void add_audit(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<act_flags>();
  auto app = add_command(group, "audit", "List what is recorded of a step, newest first", *flags);
  app->callback([&context, flags] {
    context.run = [&context, flags] {
      auto path = find_step_path(context, flags->task, flags->step);
      if (!path)
        return fail(context, path.error());
      return show_answer(context, get_from_server(context, *path + "/audit"),
                         [&context](const nlohmann::json& rows) { return render_audit(rows, context.paint); });
    };
  });
}

} // namespace

void add_step_acts(CLI::App& group, cli_context& context) {
  add_plain_act(group, context, "reset", "Give a failed step fresh attempts", "reset_for_retry", "reset_by");
  add_plain_act(group, context, "resolve", "Let the steps below go on without this one's result", "resolve_manually",
                "resolved_by");
  add_complete(group, context);
  add_audit(group, context);
}

} // namespace geartrain
