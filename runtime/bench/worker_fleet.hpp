#pragma once

#include "runtime/bench/bench_options.hpp"
#include "runtime/bench/http_workers.hpp"
#include "runtime/bench/system_under_test.hpp"

#include <cstdint>
#include <optional>

namespace geartrain::bench {

/// The workers of one measurement, if they are outside of the node. Not thread-safe.
class worker_fleet {
public:
  worker_fleet(event_loop& loop, const node_under_test& node) : loop_(loop), node_(node) {}

  /// Blocks until they work. Errors: as start_python_worker().
  expected<bool> start(driver_kind driver, const bench_options& options);

  /// CPU time of this process and of workers in others.
  std::optional<std::int64_t> driver_cpu_us() const;

  /// Why they can't go on.
  std::optional<failure> broken();

private:
  event_loop& loop_;
  const node_under_test& node_;
  std::optional<http_workers> http_;
  std::optional<helper_process> python_;
};

/// Why this machine can't run such workers; nothing if it can.
std::optional<std::string> why_not(driver_kind driver);

} // namespace geartrain::bench
