#pragma once

#include "actors/touched_steps.hpp"
#include "messages/interfaces.hpp"
#include "messages/requests.hpp"
#include "messages/turn.hpp"

#include <cstdint>
#include <list>
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

/// An operator's act that waits for its turn, or is the cause of an open one.
struct pending_act {
  act_request request;
  bool in_doubt = false; ///< see pending_report
};

/// A reader that waits for the end of the task.
struct task_waiter {
  std::uint64_t id = 0; ///< await_task_request::wait_id
  timestamp until;
  completion<task_snapshot> done;
};

/// What the next turn of a task is made of. An act has a turn of its own.
struct turn_input {
  std::list<pending_act> acts; ///< few tasks ever have one: no memory for them before
  std::vector<pending_report> reports;
  std::vector<lease_ended> expired; ///< expired or timed out
  std::vector<std::uint16_t> due;   ///< steps whose retry is due; 0: the task's start
  bool deadline = false;            ///< the task may be past its deadline

  bool empty() const { return acts.empty() && reports.empty() && expired.empty() && due.empty() && !deadline; }
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
  std::int64_t of_template = 0;          ///< whose room the context takes, if there is one
  touched_steps touched;                 ///< steps whose attempts the open turn ends
  turn_input waiting;
  std::vector<completion<task_snapshot>> readers;
  std::vector<task_waiter> waiters;
  std::unordered_map<std::uint16_t, lease> leases; ///< by step number
  std::vector<lease> started;                      ///< leases that began while the context was away
  std::vector<std::uint16_t> returned;             ///< steps given back while the context was away
  timestamp read_at;                               ///< when its rows were asked for last; long ago: never
  bool outdated = false;                           ///< the context must be read again before it decides anything
};

} // namespace geartrain
