#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/task_view.hpp"

#include "messages/uuid.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>

namespace geartrain {

namespace {

std::string steps_path(const std::string& task) {
  return fmt::format("/v1/tasks/{}/workflow_steps", percent_encode(task));
}

int list(const cli_context& context, const std::string& task) {
  auto answer = get_from_server(context, steps_path(task));
  auto steps = parse_answer(answer);
  if (!steps)
    return fail(context, steps.error());
  if (context.output == output_format::json)
    return print_json(context, answer->body);
  *context.out << render_step_list(*steps, context.paint) << std::flush;
  return exit_ok;
}

/// People know steps by name; the server knows them by id.
expected<std::string> find_step(const cli_context& context, const std::string& task, const std::string& step) {
  if (parse_uuid(step))
    return step;
  auto steps = parse_answer(get_from_server(context, steps_path(task)));
  if (!steps)
    return steps.error();
  for (const auto& candidate : *steps)
    if (field(candidate, "name") == step)
      return field(candidate, "step_uuid");
  return failure{errc::not_found, fmt::format("the task has no step \"{}\"; see `geartrain step list {}`", step, task)};
}

int show(const cli_context& context, const std::string& task, const std::string& step) {
  auto id = find_step(context, task, step);
  if (!id)
    return fail(context, id.error());
  auto answer = get_from_server(context, steps_path(task) + "/" + percent_encode(*id));
  auto body = parse_answer(answer);
  if (!body)
    return fail(context, body.error());
  if (context.output == output_format::json)
    return print_json(context, answer->body);
  *context.out << render_step(*body, context.paint) << std::flush;
  return exit_ok;
}

} // namespace

void add_step_commands(CLI::App& app, cli_context& context) {
  struct arguments {
    std::string task;
    std::string step;
  };
  auto given = std::make_shared<arguments>();
  auto group = app.add_subcommand("step", "Look at the steps of a task");
  group->require_subcommand(1);
  auto list_app = group->add_subcommand("list", "List the steps of a task");
  list_app->add_option("TASK", given->task, "UUID of the task")->required();
  list_app->callback([&context, given] { context.run = [&context, given] { return list(context, given->task); }; });
  auto show_app = group->add_subcommand("show", "Show one step with its result or error");
  show_app->add_option("TASK", given->task, "UUID of the task")->required();
  show_app->add_option("STEP", given->step, "Name or UUID of the step")->required();
  show_app->callback(
    [&context, given] { context.run = [&context, given] { return show(context, given->task, given->step); }; });
}

} // namespace geartrain
