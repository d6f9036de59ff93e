#include "runtime/bench/bench_run.hpp"

#include "runtime/bench/measure_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace geartrain::bench {

namespace {

constexpr double full_seconds = 10;
constexpr double quick_seconds = 3;
constexpr double longest_yardstick_seconds = 5;

struct quick_choice {
  const char* workload;
  driver_kind driver;
  bool idle;
};

constexpr quick_choice quick_choices[]{
  {"linear-4", driver_kind::in_process, true},
  {"linear-4", driver_kind::http, true},
  {"fan-out", driver_kind::in_process, false},
  {"single-step", driver_kind::in_process, false},
};

std::vector<planned> plan_quick(double seconds) {
  std::vector<planned> out;
  for (const auto& choice : quick_choices)
    out.push_back({*find_workload(choice.workload), choice.driver, seconds, choice.idle, false});
  return out;
}

std::vector<planned> plan_for(const bench_options& options, double seconds) {
  if (options.quick && options.workloads.empty() && options.drivers.empty())
    return plan_quick(seconds);
  std::vector<planned> out;
  auto is_wanted = [&](const workload& work) {
    return options.workloads.empty() ||
           std::find(options.workloads.begin(), options.workloads.end(), work.name) != options.workloads.end();
  };
  auto is_widened = [&](const workload& work) { return options.width > 0 && work.name == "fan-out"; };
  for (const auto& work : workloads())
    for (const auto& [name, driver] : driver_names())
      if (is_wanted(work) && (options.drivers.empty() || std::find(options.drivers.begin(), options.drivers.end(),
                                                                   driver) != options.drivers.end()))
        out.push_back({is_widened(work) ? fan_out(options.width) : work, driver, seconds, true, !options.quick});
  return out;
}

expected<yardstick_figures> measure_yardsticks(database_under_test& database, double seconds) {
  auto url = database.prepare();
  if (!url)
    return url.error();
  yardstick_options how;
  how.seconds = std::min(seconds, longest_yardstick_seconds);
  how.context_bytes = static_cast<int>(find_workload("linear-4")->context.size());
  how.result_bytes = static_cast<int>(handler_answers().front().result.size());
  how.server_cpu_us = [&database] { return static_cast<std::uint64_t>(database.cpu_us().value_or(0)); };
  auto limit = measure_physical_limit(*url, how);
  if (!limit)
    return limit.error();
  auto baseline = measure_reference_pattern(*url, how);
  if (!baseline)
    return baseline.error();
  auto commit = measure_commit_latency_ms(*url);
  if (!commit)
    return commit.error();
  return yardstick_figures{std::move(*limit), std::move(*baseline), *commit};
}

} // namespace

std::string to_string(driver_kind driver) {
  for (const auto& [name, kind] : driver_names())
    if (kind == driver)
      return name;
  return "unknown";
}

expected<bench_result> run_bench(const bench_options& options) {
  auto say = [&](const std::string& what) {
    if (options.progress)
      options.progress(what);
  };
  say("starting PostgreSQL");
  auto database = database_under_test::start(options.database_url, options.scratch);
  if (!database)
    return database.error();
  bench_result out;
  auto version = database->facts().version();
  if (!version)
    return version.error();
  out.postgres_version = *version;
  out.own_server = database->is_own();
  auto seconds = options.seconds > 0 ? options.seconds : options.quick ? quick_seconds : full_seconds;
  if (options.yardsticks) {
    say("the limit and the baseline");
    auto measured = measure_yardsticks(*database, seconds);
    if (!measured)
      return measured.error();
    out.yardsticks = std::move(*measured);
  }
  auto plan = plan_for(options, seconds);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    say(fmt::format("{} of {}: {}, {}", i + 1, plan.size(), plan[i].work.name, to_string(plan[i].driver)));
    auto measured =
      options.nodes > 1 ? measure_cluster(*database, plan[i], options) : measure(*database, plan[i], options);
    if (!measured)
      return failure{measured.error().code,
                     fmt::format("{}, {}: {}", plan[i].work.name, to_string(plan[i].driver), measured.error().message)};
    measured->workload = plan[i].work.name;
    measured->driver = to_string(plan[i].driver);
    measured->steps_per_task = plan[i].work.steps;
    out.measurements.push_back(std::move(*measured));
  }
  return out;
}

} // namespace geartrain::bench
