#pragma once

#include "messages/requests.hpp"
#include "messages/turn.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace geartrain {

/// A report that waits for its turn, or is part of an open one.
struct pending_report {
  report_message message;
  timestamp arrived;
  bool in_doubt = false; ///< a turn with it was sent to the database and nobody knows how that ended
};

/// What the next turn of a task is made of.
struct turn_input {
  std::vector<pending_report> reports;
  std::vector<lease> expired;
  std::vector<std::uint16_t> due;

  bool empty() const { return reports.empty() && expired.empty() && due.empty(); }
};

/// What a result_processor knows of one task. The leases survive the context: a task may be evicted while workers hold
/// its steps. Owned by one result_processor.
struct resident_task {
  enum class place : std::uint8_t {
    home,    ///< the context is here
    on_turn, ///< the context travels; further input waits
    loading, ///< rows are on their way
    away,    ///< evicted; comes back when needed
  };

  place where = place::away;
  std::unique_ptr<task_context> context; ///< null unless home
  std::uint64_t turn = 0;                ///< the open turn, or 0
  turn_input open;                       ///< part of the open turn; kept to redo it
  std::vector<std::uint16_t> touched;    ///< steps whose attempts the open turn ends
  turn_input waiting;
  std::vector<completion<task_snapshot>> readers;
  std::unordered_map<std::uint16_t, lease> leases; ///< by step number
  std::vector<lease> started;                      ///< leases that began while the context was away
  std::vector<std::uint16_t> returned;             ///< steps given back while the context was away
};

} // namespace geartrain
