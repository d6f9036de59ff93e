#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/create_body.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/task_watch.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <ostream>

namespace geartrain {

namespace {

struct list_flags {
  std::optional<std::string> namespace_name;
  std::optional<std::string> status;
  std::optional<std::string> name;
  std::optional<std::string> version;
  std::vector<std::string> tags;
  std::optional<std::string> created_after;
  std::optional<std::string> created_before;
  std::optional<std::string> correlation_id;
  std::optional<std::string> initiator;
  std::optional<std::string> source_system;
  std::optional<std::string> before;
  std::optional<std::string> page;
  std::optional<std::string> per_page;
};

struct create_command {
  create_flags flags;
  std::string reference; ///< "namespace/name" or "namespace/name/version", in place of the flags
  bool watch = false;
};

struct watch_flags {
  std::string task;
  double timeout_seconds = 0;
};

int show_task(const cli_context& context, const expected<http_answer>& answer) {
  return show_answer(context, answer,
                     [&context](const nlohmann::json& task) { return render_task(task, context.paint); });
}

/// Fills the flags from the reference. The answer is a complaint, empty if the template is named exactly once.
std::string resolve_template(create_command& command) {
  auto& flags = command.flags;
  bool by_flags = !flags.namespace_name.empty() || !flags.name.empty();
  if (command.reference.empty())
    return flags.namespace_name.empty() || flags.name.empty()
             ? "no template is named; give NAMESPACE/NAME, or both --namespace and --name"
             : "";
  auto parts = split_reference(command.reference);
  if (by_flags || (parts.size() == 3 && flags.version))
    return "the template is named twice; give NAMESPACE/NAME or the flags";
  if (parts.size() < 2 || parts.size() > 3)
    return fmt::format("\"{}\" names no template; give NAMESPACE/NAME or NAMESPACE/NAME/VERSION", command.reference);
  flags.namespace_name = parts[0];
  flags.name = parts[1];
  if (parts.size() == 3)
    flags.version = parts[2];
  return "";
}

int create(const cli_context& context, create_command command) {
  if (auto complaint = resolve_template(command); !complaint.empty())
    return fail_usage(context, complaint);
  if (command.flags.input) {
    auto text = read_input(*command.flags.input);
    if (!text)
      return fail_usage(context, text.error().message);
    command.flags.input = *text;
  }
  auto body = make_create_body(command.flags);
  if (!body)
    return fail_usage(context, body.error().message);
  auto answer = post_to_server(context, "/v1/tasks", "application/json", *body);
  if (!command.watch)
    return show_task(context, answer);
  auto task = parse_answer(answer);
  if (!task)
    return fail(context, task.error());
  return watch_task(context, field(*task, "task_uuid"), {});
}

int get(const cli_context& context, const std::string& task) {
  auto answer = get_from_server(context, "/v1/tasks/" + percent_encode(task));
  auto code = show_task(context, answer);
  if (code != exit_ok || context.output == output_format::json)
    return code;
  auto steps = parse_answer(get_from_server(context, fmt::format("/v1/tasks/{}/workflow_steps", percent_encode(task))));
  if (!steps)
    return fail(context, steps.error());
  *context.out << "\n" << render_step_list(*steps, context.paint) << std::flush;
  return exit_ok;
}

int list(const cli_context& context, const list_flags& flags) {
  query_text query;
  query.add("namespace", flags.namespace_name).add("name", flags.name).add("version", flags.version);
  query.add("status", flags.status).add("correlation_id", flags.correlation_id).add("initiator", flags.initiator);
  for (const auto& tag : flags.tags)
    query.add("tag", tag);
  query.add("source_system", flags.source_system).add("created_after", flags.created_after);
  query.add("created_before", flags.created_before).add("before", flags.before);
  query.add("page", flags.page).add("per_page", flags.per_page);
  return show_answer(context, get_from_server(context, "/v1/tasks" + query.text()),
                     [&context](const nlohmann::json& tasks) { return render_task_list(tasks, context.paint); });
}

void add_create(CLI::App& group, cli_context& context) {
  auto command = std::make_shared<create_command>();
  auto& flags = command->flags;
  auto app = group.add_subcommand("create", "Create a task from a template");
  app->add_option("TEMPLATE", command->reference, "NAMESPACE/NAME or NAMESPACE/NAME/VERSION, in place of the flags");
  app->add_option("--namespace", flags.namespace_name, "Namespace of the template");
  app->add_option("--name", flags.name, "Name of the template");
  app->add_option("--version", flags.version, "Version of the template; the newest if absent");
  app->add_option("--input,--context", flags.input,
                  "Context of the task: a JSON object, @FILE, or - for standard input");
  app->add_option("--priority", flags.priority, "-100 to 100, larger is more urgent");
  app->add_option("--tag", flags.tags, "A tag; may be repeated")->expected(1)->take_all();
  app->add_option("--idempotency-key", flags.idempotency_key, "A second task with the same key is refused");
  app->add_option("--idempotency-key-ttl", flags.key_ttl_seconds, "For so many seconds; for ever if absent");
  app->add_option("--start-at", flags.start_at, "Nothing of it runs before this UTC time: 2026-01-31T12:00:00Z");
  app->add_option("--identity-strategy", flags.identity_strategy, "What makes two creations the same task")
    ->check(CLI::IsMember({"strict", "caller_provided", "always_unique"}));
  app->add_option("--correlation-id", flags.correlation_id, "UUID that follows the task through logs and traces");
  app->add_option("--parent-correlation-id", flags.parent_correlation_id, "UUID of what this task is part of");
  app->add_option("--initiator", flags.initiator, "Who asks")->capture_default_str();
  app->add_option("--source-system", flags.source_system, "From where")->capture_default_str();
  app->add_option("--reason", flags.reason, "Why");
  app->add_flag("--watch", command->watch, "Then watch the task until it ends, as `task watch` does");
  app->callback([&context, command] { context.run = [&context, command] { return create(context, *command); }; });
}

void add_list(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<list_flags>();
  auto app = group.add_subcommand("list", "List tasks, newest first");
  app->add_option("--namespace", flags->namespace_name, "Only tasks of this namespace");
  app->add_option("--status", flags->status, "Only tasks in this state, such as steps_in_process");
  app->add_option("--name", flags->name, "Only tasks of this template");
  app->add_option("--version", flags->version, "Only tasks of this version of it");
  app->add_option("--tag", flags->tags, "Only tasks with this tag; may be repeated")->expected(1)->take_all();
  app->add_option("--created-after", flags->created_after, "Only tasks from this UTC time on: 2026-01-31T12:00:00Z");
  app->add_option("--created-before", flags->created_before, "Only tasks before this UTC time");
  app->add_option("--correlation-id", flags->correlation_id, "Only tasks with this correlation id");
  app->add_option("--initiator", flags->initiator, "Only tasks that this one asked for");
  app->add_option("--source-system", flags->source_system, "Only tasks from there");
  app->add_option("--before", flags->before, "UUID of a task: only those older than it, to go on with a long list");
  app->add_option("--page", flags->page, "Page, from 1");
  app->add_option("--per-page", flags->per_page, "Tasks on a page, 1 to 100");
  app->callback([&context, flags] { context.run = [&context, flags] { return list(context, *flags); }; });
}

void add_watch(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<watch_flags>();
  auto app = group.add_subcommand("watch", "Show the step tree of a task until it ends; exit code 0 if it completed");
  app->add_option("TASK", flags->task, "UUID of the task")->required();
  app->add_option("--timeout", flags->timeout_seconds, "Give up after so many seconds; 0: never")
    ->check(CLI::Range(0.0, 1e9));
  app->callback([&context, flags] {
    context.run = [&context, flags] {
      watch_options options;
      options.timeout = milliseconds{static_cast<std::int64_t>(flags->timeout_seconds * 1000)};
      return watch_task(context, flags->task, options);
    };
  });
}

} // namespace

void add_task_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("task", "Create and follow tasks");
  group->require_subcommand(1);
  add_create(*group, context);
  add_task_bulk(*group, context);
  auto task = std::make_shared<std::string>();
  auto get_app = group->add_subcommand("get", "Show a task and its steps");
  get_app->add_option("TASK", *task, "UUID of the task")->required();
  get_app->callback([&context, task] { context.run = [&context, task] { return get(context, *task); }; });
  add_list(*group, context);
  add_watch(*group, context);
  add_task_acts(*group, context);
}

} // namespace geartrain
