#pragma once

#include "messages/expected.hpp"
#include "runtime/config.hpp"

#include <cstddef>
#include <iosfwd>

namespace geartrain::bench {

/// A node in a process of its own, so that its CPU time and memory are apart from the load generator's: runs until it is
/// told to end by a signal. Says "ready PID URL" on `out`. `handler_threads` > 0: with the handlers of the workloads in
/// the process. Logs go to standard error. Blocking.
expected<bool> run_bench_node(std::ostream& out, const config& settings, std::size_t handler_threads);

} // namespace geartrain::bench
