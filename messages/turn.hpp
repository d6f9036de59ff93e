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
  json_text result;                            ///< success only
  json_text error;                             ///< failures only
  json_text metadata;                          ///< as the worker gave it; absent: none
  std::optional<dead_letter_reason> exhausted; ///< attempts ran out: why; not stored
  std::int32_t version = 0;                    ///< of the turn that wrote it; known once it is read back
  std::optional<timestamp> next_attempt_at;    ///< retryable_failure and lease_expired with attempts left
};

/// Something that happened to a task besides an ended attempt; a row of `task_facts`.
struct task_fact {
  fact_kind kind = fact_kind::decided;
  std::uint16_t number = 0; ///< step number; 0: the task as a whole
  timestamp at;
  std::string who; ///< empty: the engine
  std::string reason;
  std::optional<step_state> from; ///< of the step, for acts on one
  std::optional<step_state> to;
  json_text data;           ///< what the kind needs to be replayed, a JSON object; absent: nothing
  std::int32_t version = 0; ///< of the turn that wrote it; known once it is read back
};

/// The last checkpoint of a step; a row of `checkpoints`.
struct step_checkpoint {
  std::uint16_t number = 0;
  std::uint16_t attempt = 0;
  std::uint64_t lease_nonce = 0; ///< of the lease that it came with
  bool yielded = false;          ///< the lease ended with it
  std::uint16_t yields = 0;      ///< how often the attempt has been given back, this time included
  timestamp at;
  json_text data;
  std::int32_t version = 0; ///< of the turn that wrote it; known once it is read back
};

/// A case for an operator; a row of `dead_letters`.
struct dead_letter {
  uuid id;
  dead_letter_reason reason = dead_letter_reason::staleness_timeout;
  task_state original_state = task_state::pending;
  timestamp at;
  json_text task_snapshot; ///< a JSON object
  json_text metadata;      ///< a JSON object; absent: none
};

/// An event that a step publishes; durable ones are rows of `domain_events`.
struct domain_event {
  std::uint16_t number = 0; ///< of the step
  std::string name;
  delivery_mode delivery = delivery_mode::durable;
  timestamp at;
  json_text payload;
};

/// What a turn appends.
struct turn_facts {
  std::vector<step_outcome> outcomes;
  std::vector<task_fact> facts;
  std::vector<step_checkpoint> checkpoints;
  std::vector<dead_letter> dead_letters;
  std::vector<domain_event> events;

  bool empty() const { return outcomes.empty() && facts.empty() && checkpoints.empty(); }
};

/// What a turn writes, in one transaction: rows that are appended and, if others must find something of it, the head row.
/// Compare-and-swap: the key of the first appended row is the task with the turn's version, so of two turns that follow
/// the same one only the first is written; and a turn that writes the head row must find it as the last such turn left it.
struct turn_record {
  task_id task;
  std::int32_t expected_version = 0; ///< of the turn that this one follows; it becomes the next
  std::int32_t head_version = 0;     ///< of the last turn that wrote the head row
  bool writes_head = true; ///< false: `appended` has outcomes only, and the fields below stay as they are stored
  task_state state = task_state::steps_in_process;
  std::uint32_t steps_total = 0;
  std::uint32_t steps_completed = 0;
  std::uint32_t steps_failed = 0;
  bool paused = false;
  timestamp state_since;
  std::optional<timestamp> due_at;       ///< earliest retry or start, when nothing else will wake the task
  std::optional<timestamp> deadline_at;  ///< when the task counts as stuck in this state; absent: never
  std::optional<timestamp> completed_at; ///< set by terminal states
  timestamp now;
  turn_facts appended;
};

enum class act_kind : std::uint8_t {
  cancel_task,
  reset_step,
  resolve_step,
  complete_step,
  pause_task,
  resume_task,
  redrive_task,
};

/// What an operator asks for.
struct operator_act {
  act_kind kind = act_kind::cancel_task;
  std::uint16_t number = 0; ///< of the step; 0: the task
  std::string who;
  std::string reason;
  json_text result;   ///< complete_step
  json_text metadata; ///< complete_step; absent: none
};

/// Why a turn is opened.
struct turn_causes {
  std::vector<step_outcome> outcomes;
  std::vector<step_checkpoint> checkpoints;
  std::vector<operator_act> acts;
  std::vector<std::uint16_t> due_steps; ///< steps whose retry time has come; 0: the task's start time
  bool deadline = false;                ///< the task is past its deadline

  bool empty() const {
    return outcomes.empty() && checkpoints.empty() && acts.empty() && due_steps.empty() && !deadline;
  }
};

/// Steps that are taken from whoever has them.
struct revoked_steps {
  std::vector<step_id> cancelled;  ///< their leases end; workers are told `cancelled`
  std::vector<step_id> superseded; ///< their leases end; workers are told `lost`
  std::vector<step_id> held_back;  ///< those that wait for a worker go on waiting here; leases stay

  bool empty() const { return cancelled.empty() && superseded.empty() && held_back.empty(); }
};

/// result_processor -> task_coordinator: decide what follows from these causes.
struct evaluate_turn {
  baton context;
  std::uint64_t turn = 0; ///< of the sending result_processor; returned in turn_closed
  turn_causes causes;
};

/// task_coordinator -> task_finalizer: nothing of the task is left to run; bring it to rest.
struct finalize_turn {
  baton context;
  std::uint64_t turn = 0;
  turn_facts appended;
  std::vector<lease_token> released; ///< see steps_ready
  revoked_steps revoked;             ///< see steps_ready
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
  baton context;                    ///< holds the context only when committed
  bool leases_void = false;         ///< leases of steps that no longer run must be forgotten
  std::vector<domain_event> events; ///< what to publish to those who listen now
  std::string message;
};

/// task_coordinator -> step_dispatcher: these may run now, those need no worker any more.
struct steps_ready {
  std::vector<ready_step_ptr> ready;
  std::vector<lease_token> released; ///< leases whose attempt has ended
  revoked_steps revoked;
};

} // namespace geartrain
