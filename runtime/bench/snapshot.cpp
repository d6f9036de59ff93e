#include "runtime/bench/snapshot.hpp"

#include "runtime/bench/process_cpu.hpp"

namespace geartrain::bench {

namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

} // namespace

expected<snapshot> take_snapshot(event_loop& loop, http_link& link, const observed& what) {
  auto counters = read_counters(loop, link);
  if (!counters)
    return counters.error();
  snapshot out;
  out.at = steady::now();
  out.counters = *counters;
  out.server_cpu_us = what.database.cpu_us();
  out.node_cpu_us = cpu_us_of_tree(what.node.pid());
  out.driver_cpu_us = what.driver_cpu_us();
  if (auto written = what.database.facts().wal_bytes())
    out.wal_bytes = *written;
  return out;
}

saturation_figures figures_between(const snapshot& before, const snapshot& after) {
  saturation_figures out;
  const auto& a = before.counters;
  const auto& b = after.counters;
  out.seconds = std::chrono::duration<double>(after.at - before.at).count();
  out.steps = b.outcomes - a.outcomes;
  out.tasks = b.tasks_ended - a.tasks_ended;
  out.steps_per_second = static_cast<double>(out.steps) / out.seconds;
  out.tasks_per_second = static_cast<double>(out.tasks) / out.seconds;
  out.round_trips_per_step = ratio(b.round_trips - a.round_trips, out.steps);
  out.statements_per_step = ratio(b.statements - a.statements, out.steps);
  out.mean_batch = ratio(b.turns - a.turns, b.commits - a.commits);
  auto per_step = [&](const std::optional<std::int64_t>& first, const std::optional<std::int64_t>& last) {
    auto known = first && last && out.steps > 0;
    return known ? std::optional{static_cast<double>(*last - *first) / static_cast<double>(out.steps)} : std::nullopt;
  };
  out.server_cpu_us_per_step = per_step(before.server_cpu_us, after.server_cpu_us);
  out.node_cpu_us_per_step = per_step(before.node_cpu_us, after.node_cpu_us);
  out.driver_cpu_us_per_step = per_step(before.driver_cpu_us, after.driver_cpu_us);
  out.wal_bytes_per_step = per_step(before.wal_bytes, after.wal_bytes);
  return out;
}

} // namespace geartrain::bench
