#include "runtime/bench/report.hpp"

#include "runtime/bench/machine.hpp"
#include "runtime/bench/system_under_test.hpp"
#include "runtime/config.hpp"

#include <nlohmann/json.hpp>

namespace geartrain::bench {

using json = nlohmann::json;

namespace {

json to_json(const yardstick_result& result) {
  return {{"steps_per_second", result.steps_per_second},
          {"statements_per_step", result.statements_per_step},
          {"server_cpu_us_per_step", result.server_cpu_us_per_step},
          {"wal_bytes_per_step", result.wal_bytes_per_step},
          {"commit_latency_p50_ms", result.commit_latency_p50_ms},
          {"connections", result.connections}};
}

json settings_of(const bench_options& options, const bench_result& result) {
  auto server = json::object();
  if (result.own_server)
    for (const auto& [name, value] : database_under_test::settings())
      server[name] = value;
  auto node = json::object();
  for (const auto& [path, value] : options.node_settings)
    node[path] = path.starts_with("database.") ? redact_database_url(value) : value;
  return {{"quick", options.quick},
          {"created_in_a_call", options.bulk},
          {"handler_threads", options.handler_threads},
          {"handler_prefetch", options.handler_prefetch},
          {"http_connections", options.connections},
          {"http_max_steps", options.max_steps},
          {"python_slots", options.python_slots},
          {"own_server", result.own_server},
          {"server", std::move(server)},
          {"node", std::move(node)}};
}

/// A quotient, or null where one side is unknown.
json quotient(const std::optional<saturation_figures>& reached, double against) {
  return reached && against > 0 ? json(reached->steps_per_second / against) : json();
}

} // namespace

json make_report(const bench_options& options, const std::string& command, const bench_result& result, json machine) {
  json out{{"command", command},
           {"commit", source_commit()},
           {"postgres", result.postgres_version},
           {"machine", std::move(machine)},
           {"settings", settings_of(options, result)},
           {"limit", nullptr},
           {"baseline", nullptr},
           {"commit_latency_ms", nullptr}};
  yardstick_figures unknown;
  if (result.yardsticks) {
    out["limit"] = to_json(result.yardsticks->limit);
    out["baseline"] = to_json(result.yardsticks->baseline);
    out["commit_latency_ms"] = result.yardsticks->commit_latency_ms;
  }
  const auto& against = result.yardsticks ? *result.yardsticks : unknown;
  auto& rows = out["measurements"] = json::array();
  for (const auto& measured : result.measurements) {
    auto row = bench::to_json(measured);
    row["times_baseline"] = quotient(measured.saturation, against.baseline.steps_per_second);
    row["share_of_limit"] = quotient(measured.saturation, against.limit.steps_per_second);
    rows.push_back(std::move(row));
  }
  return out;
}

} // namespace geartrain::bench
