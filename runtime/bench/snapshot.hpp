#pragma once

#include "runtime/bench/measurement.hpp"
#include "runtime/bench/system_under_test.hpp"
#include "runtime/bench/telemetry.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace geartrain::bench {

/// Everything that grows while a node works, at one moment.
struct snapshot {
  steady::time_point at;
  node_counters counters;
  std::optional<std::int64_t> server_cpu_us;
  std::optional<std::int64_t> node_cpu_us;
  std::optional<std::int64_t> driver_cpu_us;
  std::optional<std::int64_t> wal_bytes;
};

/// Whom to look at.
struct observed {
  database_under_test& database;
  const node_under_test& node;
  std::function<std::optional<std::int64_t>()> driver_cpu_us;
};

/// Looks while the loop goes on. Errors: as read_counters().
expected<snapshot> take_snapshot(event_loop& loop, http_link& link, const observed& what);

/// What happened between two looks.
saturation_figures figures_between(const snapshot& before, const snapshot& after);

} // namespace geartrain::bench
