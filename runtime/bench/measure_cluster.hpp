#pragma once

#include "runtime/bench/measure.hpp"

namespace geartrain::bench {

/// Measures what several nodes of one database take together, each with handlers and a window of its own: at
/// saturation only, once the tasks are shared out evenly among the nodes. Errors: as measure().
expected<measurement> measure_cluster(database_under_test& database, const planned& plan, const bench_options& options);

} // namespace geartrain::bench
