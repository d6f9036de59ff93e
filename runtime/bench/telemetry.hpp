#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/http_link.hpp"

#include <cstdint>
#include <string_view>

namespace geartrain::bench {

/// Counters of a node since it started.
struct node_counters {
  std::uint64_t outcomes = 0; ///< steps that ended, attempts that failed included
  std::uint64_t tasks_ended = 0;
  std::uint64_t turns = 0;
  std::uint64_t round_trips = 0;
  std::uint64_t statements = 0;
  std::uint64_t commits = 0; ///< batches of turns

  node_counters& operator+=(const node_counters& other);
};

/// Reads GET /v1/telemetry/database while the loop goes on.
expected<node_counters> read_counters(event_loop& loop, http_link& link);

/// Number of ended tasks in the answer of GET /v1/telemetry/turns. errc::invalid if there is none.
expected<std::uint64_t> ended_tasks_in(std::string_view body);

} // namespace geartrain::bench
