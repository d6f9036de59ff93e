#include "runtime/cli/serve.hpp"

#include "db/migrate.hpp"
#include "runtime/embedded_postgres.hpp"
#include "runtime/logging.hpp"
#include "runtime/node.hpp"
#include "runtime/stop_signals.hpp"
#include "runtime/template_files.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ostream>

namespace geartrain {

namespace {

/// Whoever reads our standard output or a socket may go away: that is an error of the write, not our end.
void begin(const config& settings) {
  std::signal(SIGPIPE, SIG_IGN);
  start_logging(settings.log);
}

expected<migration_report> migrate_and_log(const std::string& database_url) {
  auto report = migrate(database_url);
  if (report && report->from < report->to)
    spdlog::info("the schema went from version {} to {}", report->from, report->to);
  return report;
}

/// A newer schema is fine: migrations only ever add.
expected<bool> check_schema(const std::string& database_url) {
  auto versions = read_schema_versions(database_url);
  if (!versions)
    return versions.error();
  if (versions->database < versions->program)
    return failure{errc::conflict, fmt::format("the schema of the database has version {}, this program needs {}; run "
                                               "`geartrain migrate` first, or start with --migrate",
                                               versions->database, versions->program)};
  return true;
}

/// From a database that is ready to the end of the node.
int run_until_told(const cli_context& context, const config& settings, stop_signals& signals) {
  auto started = node::start(settings, [&signals](const std::string& why) { signals.request(why); });
  if (!started)
    return fail(context, started.error());
  auto& running = **started;
  if (!settings.templates.directory.empty()) {
    auto count = register_template_directory(running, settings.templates.directory);
    if (!count)
      return fail(context, count.error());
    spdlog::info("{} templates of {} are registered", *count, settings.templates.directory);
  }
  if (!signals.requested())
    *context.out << "geartrain ready " << running.url() << std::endl;
  auto broken = signals.wait();
  if (!running.stop(settings.node.drain_timeout))
    spdlog::warn("not everything ended within {} ms; nothing accepted is lost", settings.node.drain_timeout.count());
  if (broken)
    return fail(context, {errc::unhandled, *broken});
  spdlog::info("stopped");
  return exit_ok;
}

} // namespace

int serve_node(const cli_context& context, const config& settings, bool migrate_first) {
  stop_signals signals;
  begin(settings);
  if (migrate_first)
    if (auto report = migrate_and_log(settings.database.url); !report)
      return fail(context, report.error());
  if (auto fits = check_schema(settings.database.url); !fits)
    return fail(context, fits.error());
  return signals.requested() ? exit_ok : run_until_told(context, settings, signals);
}

int serve_dev(const cli_context& context, const config& settings, const std::filesystem::path& data_dir) {
  stop_signals signals;
  begin(settings);
  spdlog::info("data directory: {}", data_dir.string());
  embedded_postgres_config server;
  server.data_dir = data_dir;
  auto postgres = embedded_postgres::start(server);
  if (!postgres)
    return fail(context, postgres.error());
  auto own = settings;
  own.database.url = (*postgres)->dsn();
  if (own.templates.directory.empty())
    if (auto shipped = find_shipped_templates())
      own.templates.directory = shipped->string();
  if (auto report = migrate_and_log(own.database.url); !report)
    return fail(context, report.error());
  auto code = signals.requested() ? exit_ok : run_until_told(context, own, signals);
  (*postgres)->stop();
  return code;
}

int run_migration(const cli_context& context, const std::string& database_url) {
  auto report = migrate(database_url);
  if (!report)
    return fail(context, report.error());
  if (context.output == output_format::json)
    return print_json(context, fmt::format("{{\"from\":{},\"to\":{}}}", report->from, report->to));
  if (report->from == report->to)
    *context.out << fmt::format("The schema is up to date at version {}.", report->to) << std::endl;
  else
    *context.out << fmt::format("The schema went from version {} to {}.", report->from, report->to) << std::endl;
  return exit_ok;
}

std::filesystem::path default_data_dir() {
  if (geteuid() == 0)
    return "/var/lib/geartrain/dev";
  if (auto data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
    return std::filesystem::path{data} / "geartrain/dev";
  auto home = std::getenv("HOME");
  return std::filesystem::path{home != nullptr ? home : "."} / ".local/share/geartrain/dev";
}

} // namespace geartrain
