#include "runtime/bench/bench_node.hpp"
#include "runtime/bench/bench_run.hpp"
#include "runtime/bench/machine.hpp"
#include "runtime/bench/report.hpp"
#include "runtime/bench/workload.hpp"
#include "runtime/cli/bench_view.hpp"
#include "runtime/cli/cli_context.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/settings_flags.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <ostream>

namespace geartrain {

namespace {

struct bench_flags {
  bench::bench_options options;
  std::vector<std::string> drivers;
  bool no_yardsticks = false;
  std::string save;
  std::shared_ptr<settings_flags> settings;
};

/// What was asked for, as it can be typed again; without the one option that may hold a password.
std::string command_of(const CLI::App& bench) {
  std::string out = "geartrain bench";
  for (const auto* option : bench.get_options())
    if (option->count() > 0 && !option->get_name().starts_with("--database-url"))
      out += option->get_items_expected_max() == 0
               ? " " + option->get_name()
               : fmt::format(" {} {}", option->get_name(), fmt::join(option->results(), ","));
  return out;
}

int run(const cli_context& context, const bench_flags& flags, const std::string& command) {
  auto options = flags.options;
  for (const auto& name : flags.drivers)
    options.drivers.push_back(bench::driver_names().at(name));
  options.yardsticks = !flags.no_yardsticks;
  options.node_settings = flags.settings->values;
  if (auto given = options.node_settings.extract("database.url"))
    options.database_url = given.mapped();
  options.progress = [&context](const std::string& what) { *context.err << what << std::endl; };
  auto machine = bench::describe_machine();
  auto result = bench::run_bench(options);
  if (!result)
    return fail(context, result.error());
  auto report = bench::make_report(options, command, *result, std::move(machine));
  if (!flags.save.empty() && !(std::ofstream{flags.save} << dump_json(report, 2) << '\n'))
    return fail(context, {errc::invalid, "can't write " + flags.save});
  if (context.output == output_format::json)
    return print_json(context, dump_json(report));
  *context.out << render_bench(report, context.paint) << std::flush;
  return exit_ok;
}

/// Started by a benchmark itself.
void add_bench_node(CLI::App& bench, cli_context& context) {
  auto node = bench.add_subcommand("node")->group("");
  auto handlers = std::make_shared<bench::node_handlers>();
  node->add_option("--handler-threads", handlers->threads);
  node->add_option("--handler-prefetch", handlers->prefetch);
  auto flags = add_settings_flags(*node);
  node->callback([&context, handlers, flags] {
    context.run = [&context, handlers, flags]() -> int {
      auto loaded = load_settings(context, *flags);
      if (auto code = std::get_if<int>(&loaded))
        return *code;
      auto done = bench::run_bench_node(*context.out, std::get<loaded_config>(loaded).settings, *handlers);
      return done ? static_cast<int>(exit_ok) : fail(context, done.error());
    };
  });
}

std::vector<std::string> workload_names() {
  std::vector<std::string> out;
  for (const auto& work : bench::workloads())
    out.push_back(work.name);
  return out;
}

void add_options(CLI::App& app, bench_flags& flags) {
  auto& options = flags.options;
  app.add_flag("--quick", options.quick, "The most important figures, in less than a minute");
  app.add_option("--workloads", options.workloads, fmt::format("Some of {}", fmt::join(workload_names(), ", ")))
    ->delimiter(',')
    ->check(CLI::IsMember(workload_names()))
    ->option_text("NAME,... default: all");
  app.add_option("--drivers", flags.drivers, "Where handlers run: some of in-process, http, python")
    ->delimiter(',')
    ->check(CLI::IsMember(bench::driver_names()))
    ->option_text("NAME,... default: all");
  app.add_option("--seconds", options.seconds, "How long each phase takes; default 10, or 3 with --quick")
    ->check(CLI::Range(0.1, 3600.0))
    ->type_name("N");
  app.add_option("--window", options.window, "Tasks open at saturation, at each node; default: by workload")
    ->check(CLI::Range(1, 1000000))
    ->type_name("N");
  app.add_option("--bulk", options.bulk, "Tasks created in one call at saturation; 1: each in its own")
    ->check(CLI::Range(1, 100))
    ->capture_default_str();
  app.add_option("--width", options.width, "Steps beside each other in the workload fan-out; default 100")
    ->check(CLI::Range(1, 65000))
    ->type_name("N");
  app
    .add_option("--nodes", options.nodes,
                "Nodes, each with a window and workers of its own; with several, only saturation is measured")
    ->check(CLI::Range(1, 16))
    ->capture_default_str();
  app.add_flag(
    "--overload", options.overload,
    "Bound the open tasks to what is open at saturation, and also offer twice the tasks that the node can take");
  app.add_option("--save", flags.save, "Also write the report, as JSON, to this file")->type_name("FILE");
  app.add_option("--scratch", options.scratch, "Where the server of the benchmark keeps its data; default /var/tmp")
    ->type_name("DIR");
  app.add_flag("--no-yardsticks", flags.no_yardsticks, "Leave out the limit and the baseline, and the ratios to them");
  app.add_option("--handler-threads", options.handler_threads, "Threads of the handlers in process")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  app.add_option("--handler-prefetch", options.handler_prefetch, "Steps that the handlers in process take in advance")
    ->check(CLI::Range(0, 16384))
    ->capture_default_str();
  app.add_option("--connections", options.connections, "Connections of the HTTP workers")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  app.add_option("--max-steps", options.max_steps, "Steps that an HTTP worker takes at a time")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
  app.add_option("--python-slots", options.python_slots, "Threads of the Python worker")
    ->check(CLI::Range(1, 1000))
    ->capture_default_str();
}

} // namespace

void add_bench_commands(CLI::App& app, cli_context& context) {
  auto flags = std::make_shared<bench_flags>();
  auto bench = app.add_subcommand("bench", "Measure what this machine can do, on a PostgreSQL of its own");
  add_options(*bench, *flags);
  flags->settings = add_settings_flags(*bench);
  add_bench_node(*bench, context);
  bench->callback([&context, flags, bench] {
    if (bench->get_subcommands().empty())
      context.run = [&context, flags, command = command_of(*bench)] { return run(context, *flags, command); };
  });
}

} // namespace geartrain
