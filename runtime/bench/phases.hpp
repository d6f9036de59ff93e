#pragma once

#include "runtime/bench/bench_node.hpp"
#include "runtime/bench/bench_options.hpp"
#include "runtime/bench/event_loop.hpp"

#include <chrono>

// What all measurements have in common.

namespace geartrain::bench {

/// How long tasks that were accepted may take to end once nothing new is created.
inline constexpr std::chrono::seconds drain_patience{120};

/// Of a phase, before it counts; the first also has the plans and caches of a fresh server to wait for.
inline constexpr double warm_up_share = 0.25;

inline steady::duration seconds_of(double seconds) {
  return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
}

/// The handlers that a node runs itself.
inline node_handlers handlers_of(driver_kind driver, const bench_options& options) {
  return driver == driver_kind::in_process ? node_handlers{options.handler_threads, options.handler_prefetch}
                                           : node_handlers{};
}

} // namespace geartrain::bench
