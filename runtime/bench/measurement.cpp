#include "runtime/bench/measurement.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace geartrain::bench {

using json = nlohmann::json;

namespace {

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json to_json(const latency_figures& figures) {
  return {{"count", figures.count},
          {"p50_ms", figures.p50_ms},
          {"p95_ms", figures.p95_ms},
          {"p99_ms", figures.p99_ms},
          {"max_ms", figures.max_ms}};
}

json to_json(const saturation_figures& figures) {
  return {{"seconds", figures.seconds},
          {"steps", figures.steps},
          {"tasks", figures.tasks},
          {"steps_per_second", figures.steps_per_second},
          {"tasks_per_second", figures.tasks_per_second},
          {"round_trips_per_step", figures.round_trips_per_step},
          {"statements_per_step", figures.statements_per_step},
          {"mean_batch", figures.mean_batch},
          {"server_cpu_us_per_step", or_null(figures.server_cpu_us_per_step)},
          {"node_cpu_us_per_step", or_null(figures.node_cpu_us_per_step)},
          {"driver_cpu_us_per_step", or_null(figures.driver_cpu_us_per_step)},
          {"wal_bytes_per_step", or_null(figures.wal_bytes_per_step)},
          {"refused", figures.refused}};
}

json figures_or_null(const std::optional<latency_figures>& figures) {
  return figures ? to_json(*figures) : json();
}

json to_json(const overload_figures& figures) {
  return {{"full_load_latency", figures_or_null(figures.full_load)},
          {"offered_tasks_per_second", figures.offered_tasks_per_second},
          {"accepted_tasks_per_second", figures.accepted_tasks_per_second},
          {"refused", figures.refused},
          {"accepted_latency", figures_or_null(figures.accepted)},
          {"refusal_latency", figures_or_null(figures.refusals)}};
}

} // namespace

std::optional<latency_figures> figures_of(std::vector<double> times_ms) {
  if (times_ms.empty())
    return std::nullopt;
  std::sort(times_ms.begin(), times_ms.end());
  auto count = static_cast<double>(times_ms.size());
  auto percentile = [&](double share) {
    return times_ms[static_cast<std::size_t>(std::max(0.0, std::ceil(share * count) - 1))];
  };
  return latency_figures{times_ms.size(), percentile(0.50), percentile(0.95), percentile(0.99), times_ms.back()};
}

json to_json(const measurement& measured) {
  return {{"workload", measured.workload},
          {"driver", measured.driver},
          {"steps_per_task", measured.steps_per_task},
          {"window", measured.window},
          {"nodes", measured.nodes},
          {"skipped", or_null(measured.skipped)},
          {"idle_latency", figures_or_null(measured.idle)},
          {"saturation", measured.saturation ? to_json(*measured.saturation) : json()},
          {"half_load_tasks_per_second", or_null(measured.half_load_tasks_per_second)},
          {"half_load_latency", figures_or_null(measured.half_load)},
          {"overload", measured.overload ? to_json(*measured.overload) : json()},
          {"peak_memory_bytes", or_null(measured.peak_memory_bytes)}};
}

} // namespace geartrain::bench
