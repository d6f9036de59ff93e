#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain::bench {

/// Times in ms; a percentile is the smallest value that so many do not exceed.
struct latency_figures {
  std::size_t count = 0;
  double p50_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
};

/// Nothing if there are no times.
std::optional<latency_figures> figures_of(std::vector<double> times_ms);

/// What happened between two looks at a node under as much work as it takes. "Per step" divides by the steps that ended
/// in between; nothing where it can't be seen (a server on another machine).
struct saturation_figures {
  double seconds = 0;
  std::uint64_t steps = 0;
  std::uint64_t tasks = 0;
  double steps_per_second = 0;
  double tasks_per_second = 0;
  double round_trips_per_step = 0; ///< batches of one operation sent to PostgreSQL, of all operations
  double statements_per_step = 0;
  double mean_batch = 0; ///< turns in a commit
  std::optional<double> server_cpu_us_per_step;
  std::optional<double> node_cpu_us_per_step;
  std::optional<double> driver_cpu_us_per_step; ///< this process, and workers outside of the node
  std::optional<double> wal_bytes_per_step;
  std::uint64_t refused = 0; ///< creations answered 503
};

/// What a node does with twice the tasks that it can take, if its memory is bounded to about what is open when it is busy.
struct overload_figures {
  std::optional<latency_figures> full_load; ///< tasks that were timed at saturation
  double offered_tasks_per_second = 0;
  double accepted_tasks_per_second = 0;
  std::uint64_t refused = 0;               ///< answered 503
  std::optional<latency_figures> accepted; ///< from the moment when a task was due
  std::optional<latency_figures> refusals; ///< until the 503
};

/// Everything that was measured for one workload and one kind of worker.
struct measurement {
  std::string workload;
  std::string driver;
  std::size_t steps_per_task = 0;
  std::size_t window = 0;
  std::size_t nodes = 1;
  std::optional<std::string> skipped; ///< why there are no figures
  std::optional<latency_figures> idle;
  std::optional<saturation_figures> saturation;
  std::optional<double> half_load_tasks_per_second; ///< what was asked for
  std::optional<latency_figures> half_load;
  std::optional<overload_figures> overload;
  std::optional<std::int64_t> peak_memory_bytes; ///< of the node
};

nlohmann::json to_json(const measurement& measured);

} // namespace geartrain::bench
