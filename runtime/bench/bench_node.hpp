#pragma once

#include "messages/expected.hpp"
#include "runtime/config.hpp"

#include <cstddef>
#include <iosfwd>

namespace geartrain::bench {

/// The handlers of the workloads in the process of a node.
struct node_handlers {
  std::size_t threads = 0;  ///< 0: no handlers
  std::size_t prefetch = 0; ///< steps taken in advance
};

/// A node in a process of its own, so that its CPU time and memory are apart from the load generator's: runs until it is
/// told to end by a signal. Says "ready PID URL" on `out`. Logs go to standard error. Blocking.
expected<bool> run_bench_node(std::ostream& out, const config& settings, const node_handlers& handlers);

} // namespace geartrain::bench
