#pragma once

#include "db/yardsticks/yardsticks.hpp"
#include "messages/expected.hpp"
#include "runtime/bench/bench_options.hpp"
#include "runtime/bench/measurement.hpp"

#include <optional>
#include <string>
#include <vector>

namespace geartrain::bench {

/// What the results are ratios of, measured in the same run.
struct yardstick_figures {
  yardstick_result limit;
  yardstick_result baseline;
  double commit_latency_ms = 0;
};

struct bench_result {
  std::string postgres_version;
  bool own_server = true;
  std::optional<yardstick_figures> yardsticks;
  std::vector<measurement> measurements;
};

/// Runs everything that the options ask for, one after the other. Blocking, for as long as it takes; starts processes,
/// and leaves none behind however it ends. Errors: the first that keeps a measurement from being made.
expected<bench_result> run_bench(const bench_options& options);

} // namespace geartrain::bench
