#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/bench_options.hpp"
#include "runtime/bench/measurement.hpp"
#include "runtime/bench/system_under_test.hpp"
#include "runtime/bench/workload.hpp"

namespace geartrain::bench {

/// One line of the plan.
struct planned {
  workload work;
  driver_kind driver = driver_kind::in_process;
  double seconds = 10; ///< of each phase
  bool idle = true;
  bool half_load = true;
};

/// Measures one workload with one kind of worker: a fresh node (on a fresh database, if the server is ours), tasks one at
/// a time, as many as it takes, and half as many. Each phase ends when all of its tasks have. Errors: any that keeps it
/// from being measured; a worker that this machine does not have is none, but `skipped`.
expected<measurement> measure(database_under_test& database, const planned& plan, const bench_options& options);

} // namespace geartrain::bench
