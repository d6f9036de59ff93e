#include "runtime/cli/bench_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

using json = nlohmann::json;

namespace {

std::string shown(const json& value, int decimals, double scale = 1) {
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>() * scale, decimals) : std::string{"-"};
}

std::string shown(const json& object, const char* key, int decimals, double scale = 1) {
  return shown(member(object, key), decimals, scale);
}

/// "p50/p95/p99"
std::string latency(const json& figures) {
  if (!figures.is_object())
    return "-";
  return fmt::format("{}/{}/{}", shown(figures, "p50_ms", 1), shown(figures, "p95_ms", 1), shown(figures, "p99_ms", 1));
}

std::string render_conditions(const json& report, const style& paint) {
  std::string out;
  const auto& machine = member(report, "machine");
  add_line(out, "machine",
           fmt::format("{} cores, {}, {} GiB, {}, load {} before", field(machine, "cores"), field(machine, "cpu"),
                       shown(machine, "memory_bytes", 0, 1.0 / (1 << 30)), field(machine, "kernel"),
                       shown(machine, "load_before", 1)),
           paint);
  add_line(out, "PostgreSQL", field(report, "postgres"), paint);
  add_line(out, "commit", field(report, "commit"), paint);
  add_line(out, "command", field(report, "command"), paint);
  if (const auto& limit = member(report, "limit"); limit.is_object())
    add_line(out, "limit",
             fmt::format("{} steps/s at {} µs of server time a step", shown(limit, "steps_per_second", 0),
                         shown(limit, "server_cpu_us_per_step", 1)),
             paint);
  if (const auto& baseline = member(report, "baseline"); baseline.is_object())
    add_line(out, "baseline",
             fmt::format("{} steps/s at {} µs and {} statements a step", shown(baseline, "steps_per_second", 0),
                         shown(baseline, "server_cpu_us_per_step", 0), shown(baseline, "statements_per_step", 1)),
             paint);
  if (const auto& commit = member(report, "commit_latency_ms"); commit.is_number())
    add_line(out, "one commit", fmt::format("{} ms", shown(commit, 2)), paint);
  return out;
}

std::string driver_of(const json& row) {
  const auto& nodes = member(row, "nodes");
  auto several = nodes.is_number_unsigned() && nodes.get<std::uint64_t>() > 1;
  return field(row, "driver") + (several ? ", " + nodes.dump() + " nodes" : std::string{});
}

/// What became of twice the load.
std::string overload_note(const json& row) {
  const auto& figures = member(row, "overload");
  if (!figures.is_object())
    return {};
  return fmt::format("{}, {}: of {} tasks/s offered {} were taken, in {} ms; full load {} ms; refusals {} ms\n",
                     field(row, "workload"), field(row, "driver"), shown(figures, "offered_tasks_per_second", 0),
                     shown(figures, "accepted_tasks_per_second", 0), latency(member(figures, "accepted_latency")),
                     latency(member(figures, "full_load_latency")), latency(member(figures, "refusal_latency")));
}

} // namespace

std::string render_bench(const json& report, const style& paint) {
  table rows{{"WORKLOAD", "DRIVER", "STEPS/S", "TASKS/S", "xBASE", "%LIMIT", "IDLE ms", "HALF LOAD ms", "TRIPS",
              "STMTS", "BATCH", "SERVER µs", "NODE µs", "DRIVER µs", "WAL B", "PEAK MiB"}};
  std::string notes;
  for (const auto& row : member(report, "measurements")) {
    const auto& most = member(row, "saturation");
    rows.add({{field(row, "workload")},
              {driver_of(row)},
              {shown(most, "steps_per_second", 0)},
              {shown(most, "tasks_per_second", 0)},
              {shown(row, "times_baseline", 1)},
              {shown(row, "share_of_limit", 1, 100)},
              {latency(member(row, "idle_latency"))},
              {latency(member(row, "half_load_latency"))},
              {shown(most, "round_trips_per_step", 3)},
              {shown(most, "statements_per_step", 3)},
              {shown(most, "mean_batch", 1)},
              {shown(most, "server_cpu_us_per_step", 1)},
              {shown(most, "node_cpu_us_per_step", 1)},
              {shown(most, "driver_cpu_us_per_step", 1)},
              {shown(most, "wal_bytes_per_step", 0)},
              {shown(row, "peak_memory_bytes", 0, 1.0 / (1 << 20))}});
    notes += overload_note(row);
    if (const auto& why = member(row, "skipped"); why.is_string())
      notes += fmt::format("{}, {}: not measured, {}\n", field(row, "workload"), field(row, "driver"),
                           one_line(why.get<std::string>()));
  }
  return render_conditions(report, paint) + "\n" + rows.render(paint) + (notes.empty() ? "" : "\n" + notes);
}

} // namespace geartrain
