#include "actors/engine.hpp"
#include "db/retention.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/settings_flags.hpp"
#include "runtime/cli/table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ostream>

// Works on the database itself, so that it needs no node and can run from a timer of the system.

namespace geartrain {

namespace {

constexpr const char* no_database =
  "no database is named; give --database-url, the variable GEARTRAIN_DATABASE_URL, or "
  "database.url in the configuration file";

retention_options options_of(const config& settings) {
  retention_options options;
  options.dsn = settings.database.url;
  options.older_than = settings.retention.keep;
  options.now = system_now();
  if (!settings.retention.archive_directory.empty())
    options.archive_dir = std::filesystem::absolute(settings.retention.archive_directory);
  return options;
}

std::string show_bytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576.0);
}

// -- plan ------------------------------------------------------------------------------

std::string plan_json(const retention_plan& plan) {
  json_writer out;
  out.begin_object()
    .field("ended_before", plan.ended_before)
    .field("finished", plan.finished)
    .key("weeks")
    .begin_array();
  for (auto& week : plan.weeks) {
    out.begin_object().field("week", week.monday).field("finished", week.finished).field("remaining", week.remaining);
    out.field("bytes", week.bytes).end_object();
  }
  return out.end_array().end_object().take();
}

std::string plan_text(const retention_plan& plan, const style& paint) {
  if (plan.weeks.empty())
    return "Nothing is old enough to leave.\n";
  table rows{{"WEEK OF", "LEAVE", "STAY", "PARTITIONS"}};
  for (auto& week : plan.weeks)
    rows.add(
      {{week.monday}, {std::to_string(week.finished)}, {std::to_string(week.remaining)}, {show_bytes(week.bytes)}});
  return rows.render(paint) + fmt::format("{} tasks would leave.\n", plan.finished);
}

int show_plan(const cli_context& context, const retention_options& options) {
  auto plan = plan_retention(options);
  if (!plan)
    return fail(context, plan.error());
  if (context.output == output_format::json)
    return print_json(context, plan_json(*plan));
  *context.out << plan_text(*plan, context.paint) << std::flush;
  return exit_ok;
}

// -- run -------------------------------------------------------------------------------

std::string report_json(const retention_report& report) {
  json_writer out;
  out.begin_object().field("tasks_removed", report.tasks_removed).field("tasks_archived", report.tasks_archived);
  out.field("weeks_dropped", report.weeks_dropped).field("rows_moved", report.rows_moved);
  out.field("rows_swept", report.rows_swept).field("identities_removed", report.identities_removed);
  out.field("events_removed", report.events_removed).key("archives").begin_array();
  for (auto& place : report.archives)
    out.value(place.string());
  return out.end_array().end_object().take();
}

std::string report_text(const retention_report& report) {
  return fmt::format("{} tasks have left, {} of them into {} archives; {} weeks of partitions were dropped.\n",
                     report.tasks_removed, report.tasks_archived, report.archives.size(), report.weeks_dropped);
}

int run_and_report(const cli_context& context, const retention_options& options) {
  auto report = run_retention(
    options, [&](const std::string& sentence) { *context.err << "geartrain: " << sentence << std::endl; });
  if (!report)
    return fail(context, report.error());
  if (context.output == output_format::json)
    return print_json(context, report_json(*report));
  *context.out << report_text(*report) << std::flush;
  return exit_ok;
}

void add_verb(CLI::App& group, cli_context& context, const char* name, const char* help,
              int (*act)(const cli_context&, const retention_options&)) {
  auto app = group.add_subcommand(name, help);
  auto flags = add_settings_flags(*app, {"database", "retention"});
  app->callback([&context, flags, act] {
    context.run = [&context, flags, act] {
      auto loaded = load_settings(context, *flags);
      if (auto code = std::get_if<int>(&loaded))
        return *code;
      auto& settings = std::get<loaded_config>(loaded).settings;
      return settings.database.url.empty() ? fail_usage(context, no_database) : act(context, options_of(settings));
    };
  });
}

} // namespace

void add_retention_commands(CLI::App& app, cli_context& context) {
  auto group = app.add_subcommand("retention", "Remove finished tasks that are old");
  group->require_subcommand(1);
  add_verb(*group, context, "plan", "Show what a run would remove, and change nothing", show_plan);
  add_verb(*group, context, "run", "Archive if told to, then remove; safe to break off and to repeat", run_and_report);
}

} // namespace geartrain
