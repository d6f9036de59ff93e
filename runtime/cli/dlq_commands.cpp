#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/dlq_view.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/operator_flags.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace geartrain {

namespace {

using renderer = std::string (*)(const nlohmann::json& rows, const style& paint);

struct dlq_flags {
  std::string id; ///< of a task or of an entry
  std::optional<std::string> status;
  std::optional<std::string> notes;
  std::optional<std::string> by;
  std::optional<std::string> limit;
  std::optional<std::string> offset;
  operator_flags note;
};

using flags_ptr = std::shared_ptr<dlq_flags>;

int show(const cli_context& context, const expected<http_answer>& answer, renderer render) {
  return show_answer(context, answer,
                     [&context, render](const nlohmann::json& body) { return render(body, context.paint); });
}

std::string render_message(const nlohmann::json& body, const style&) {
  return field(body, "message") + "\n";
}

void run_with(CLI::App* app, cli_context& context, const flags_ptr& flags,
              int (*run)(const cli_context& context, const dlq_flags& flags)) {
  app->callback([&context, flags, run] { context.run = [&context, flags, run] { return run(context, *flags); }; });
}

CLI::Option* add_status(CLI::App& app, dlq_flags& flags, const char* help) {
  return app.add_option("--status", flags.status, help)
    ->check(CLI::IsMember({"pending", "manually_resolved", "permanently_failed", "cancelled"}));
}

// -- looking ---------------------------------------------------------------------------

void add_list(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app = group.add_subcommand("list", "List dead letters, newest first");
  add_status(*app, *flags, "Only those with this status");
  app->add_option("--limit", flags->limit, "How many, 1 to 1000");
  app->add_option("--offset", flags->offset, "How many to leave out before");
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    query_text query;
    query.add("resolution_status", f.status).add("limit", f.limit).add("offset", f.offset);
    return show(c, get_from_server(c, "/v1/dlq" + query.text()), render_cases);
  });
}

void add_show(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app = group.add_subcommand("show", "Show the newest dead letter of a task");
  app->add_option("TASK", flags->id, "UUID of the task")->required();
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    return show(c, get_from_server(c, "/v1/dlq/task/" + percent_encode(f.id)), render_case);
  });
}

void add_stats(CLI::App& group, cli_context& context) {
  auto app = group.add_subcommand("stats", "Count dead letters by reason");
  run_with(app, context, std::make_shared<dlq_flags>(), [](const cli_context& c, const dlq_flags&) {
    return show(c, get_from_server(c, "/v1/dlq/stats"), render_case_stats);
  });
}

void add_queue(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app = group.add_subcommand("queue", "List what waits for an investigation, most pressing first");
  app->add_option("--limit", flags->limit, "How many, 1 to 1000");
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    auto query = query_text{}.add("limit", f.limit);
    return show(c, get_from_server(c, "/v1/dlq/investigation-queue" + query.text()), render_investigation_queue);
  });
}

void add_staleness(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app = group.add_subcommand("staleness", "List open tasks, those nearest to their deadline first");
  app->add_option("--limit", flags->limit, "How many, 1 to 1000");
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    auto query = query_text{}.add("limit", f.limit);
    return show(c, get_from_server(c, "/v1/dlq/staleness" + query.text()), render_staleness);
  });
}

// -- acting ----------------------------------------------------------------------------

void add_update(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app =
    group.add_subcommand("update", "Record how the investigation of a dead letter goes; its task is left alone");
  app->add_option("ENTRY", flags->id, "UUID of the dead letter")->required();
  add_status(*app, *flags, "Where it stands");
  app->add_option("--notes", flags->notes, "What was found");
  app->add_option("--by", flags->by, "Who investigated");
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    auto body = nlohmann::json::object();
    if (f.status)
      body["resolution_status"] = *f.status;
    if (f.notes)
      body["resolution_notes"] = *f.notes;
    if (f.by)
      body["resolved_by"] = *f.by;
    if (body.empty())
      return fail_usage(c, "nothing to change; give --status, --notes or --by");
    return show(c, send_to_server(c, "PATCH", "/v1/dlq/entry/" + percent_encode(f.id), dump_json(body)),
                render_message);
  });
}

void add_redrive(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app =
    group.add_subcommand("redrive", "Give all failed steps of its task fresh attempts, and close the dead letter");
  app->add_option("ENTRY", flags->id, "UUID of the dead letter")->required();
  add_operator_flags(*app, flags->note);
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    auto path = "/v1/dlq/entry/" + percent_encode(f.id) + "/redrive";
    return show(c, send_to_server(c, "POST", path, note_body(f.note)), render_message);
  });
}

void add_add(CLI::App& group, cli_context& context) {
  auto flags = std::make_shared<dlq_flags>();
  auto app = group.add_subcommand("add", "Make a task a dead letter by hand; the task itself is left alone");
  app->add_option("TASK", flags->id, "UUID of the task")->required();
  add_operator_flags(*app, flags->note);
  run_with(app, context, flags, [](const cli_context& c, const dlq_flags& f) {
    return show(c, send_to_server(c, "POST", "/v1/dlq/task/" + percent_encode(f.id), note_body(f.note)), render_case);
  });
}

} // namespace

void add_dlq_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("dlq", "Investigate tasks that failed or got stuck");
  group->require_subcommand(1);
  add_list(*group, context);
  add_show(*group, context);
  add_stats(*group, context);
  add_queue(*group, context);
  add_staleness(*group, context);
  add_update(*group, context);
  add_redrive(*group, context);
  add_add(*group, context);
}

} // namespace geartrain
