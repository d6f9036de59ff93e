#pragma once

#include "messages/task.hpp"
#include "messages/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// The fact that one attempt of one step ended; a row of `attempts`.
struct step_outcome {
  std::uint16_t number = 0;  ///< step number, 1-based
  std::uint16_t attempt = 0; ///< 1-based
  attempt_outcome outcome = attempt_outcome::success;
  std::uint64_t lease_nonce = 0;
  timestamp claimed_at;
  timestamp finished_at;
  std::string worker;
  std::optional<std::int64_t> execution_time_ms;
  json_text result;                         ///< success only
  json_text error;                          ///< failures only
  json_text metadata;                       ///< as the worker gave it; absent: none
  std::optional<timestamp> next_attempt_at; ///< retryable_failure and lease_expired with attempts left
};

/// What a turn writes: one narrow head-row change and the appended facts, committed in one statement.
struct turn_record {
  task_id task;
  std::int32_t expected_version = 0; ///< compare-and-swap: the head row must still have it
  task_state state = task_state::steps_in_process;
  std::uint32_t steps_completed = 0;
  std::uint32_t steps_failed = 0;
  std::optional<timestamp> due_at;       ///< earliest retry, when nothing else will wake the task
  std::optional<timestamp> completed_at; ///< set by terminal states
  timestamp now;
  std::vector<step_outcome> outcomes;
};

/// result_processor -> task_coordinator: decide what follows from these outcomes and due retries.
struct evaluate_turn {
  baton context;
  std::uint64_t turn = 0; ///< of the sending result_processor; returned in turn_closed
  std::vector<step_outcome> outcomes;
  std::vector<std::uint16_t> due_steps; ///< numbers of steps whose retry time has come
};

/// task_coordinator -> task_finalizer: nothing of the task is left to run; bring it to rest.
struct finalize_turn {
  baton context;
  std::uint64_t turn = 0;
  std::vector<step_outcome> outcomes;
};

enum class turn_status : std::uint8_t {
  committed,   ///< the context is ahead by one turn (or unchanged, if there was nothing to write)
  conflict,    ///< the compare-and-swap lost: the context is gone, reload
  unavailable, ///< the outcome of the write is unknown: the context is gone, reload
  failed,      ///< the write was refused for good: the context is gone
};

/// task_coordinator or task_finalizer -> result_processor: the turn is over.
struct turn_closed {
  task_id task;
  std::uint64_t turn = 0;
  turn_status status = turn_status::committed;
  baton context; ///< holds the context only when committed
  std::string message;
};

/// task_coordinator -> step_dispatcher: these may run now, those need no worker any more.
struct steps_ready {
  std::vector<ready_step_ptr> ready;
  std::vector<lease_token> released; ///< leases whose attempt has ended
};

} // namespace geartrain
