#pragma once

#include "messages/json_text.hpp"
#include "messages/snapshot.hpp"
#include "messages/states.hpp"
#include "messages/template.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// What the caller gave at creation; written once, never changed.
struct task_input {
  json_text context; ///< a JSON object, exactly as given
  std::string initiator;
  std::string source_system;
  std::string reason;
  std::vector<std::string> tags;
  uuid correlation_id;
  std::optional<uuid> parent_correlation_id;
  std::int16_t priority = 0; ///< -100 to 100, larger is more urgent
  timestamp requested_at;
  std::optional<timestamp> start_at; ///< nothing runs before; absent: at once
};

using input_snapshot = snapshot<task_input>;

/// An attempt that is over, as far as fencing needs it.
struct ended_attempt {
  std::uint64_t lease_nonce = 0;
  attempt_outcome outcome = attempt_outcome::success;
};

/// Whether a step of the template has come into being in this task. Only what exists is counted and shown.
enum class existence : std::uint8_t {
  undecided, ///< a decision or a batch above it has yet to say
  exists,
  never, ///< decided against, or a step that it needs never comes
};

/// One step of a resident task. Derived from the recorded facts alone.
struct step_record {
  std::uint16_t definition = 0; ///< index in task_template::steps
  std::uint16_t batch = 0;      ///< 1 + index in task_context::batches for a batch worker; 0: none
  existence being = existence::exists;
  bool late = false;                       ///< came into being after the creation of the task
  bool in_slot = false;                    ///< a batch worker that takes up its batch's parallelism
  std::vector<std::uint16_t> requested_by; ///< indices of the decisions that asked for it by name
  step_state state = step_state::pending;
  std::uint16_t forgiven = 0;          ///< attempts made before the last reset: they don't count against the limit
  std::uint32_t remaining_parents = 0; ///< dependencies that still hold it back
  std::vector<ended_attempt> attempts; ///< attempt n stands at index n - 1
  json_text result;                    ///< payload of the successful attempt, or given by an operator
  json_text error;                     ///< error object of the last failed attempt
  json_text metadata;                  ///< metadata object of the last ended attempt
  std::optional<std::int64_t> execution_time_ms;
  json_text checkpoint;            ///< {cursor, items_processed, accumulated_results}; absent: none
  std::uint64_t yielded_nonce = 0; ///< of the lease that the last checkpoint_yield gave back; 0: not known
  std::uint16_t yields = 0;        ///< how often the attempt that runs or comes next has been given back
  std::string worker;              ///< who ended the last attempt
  std::optional<timestamp> next_attempt_at;
  std::optional<timestamp> last_attempted_at;
  std::optional<timestamp> last_failure_at;
  std::optional<timestamp> completed_at;
};

/// When a step that waits for a retry may run again.
struct due_retry {
  timestamp at;
  std::uint16_t number = 0;
};

/// One part of a batch, as the batchable step cut it.
struct batch_cursor {
  std::string batch_id;
  json_text cursor; ///< {batch_id, start_cursor, end_cursor, batch_size}
};

/// The workers of one batchable step. They are steps number `first` and following, one for each cursor.
struct batch_group {
  std::uint16_t worker = 0; ///< index of the batch_worker step in the template
  std::uint16_t source = 0; ///< number of the batchable step
  std::uint16_t first = 0;
  std::vector<batch_cursor> cursors;
  json_text source_result;      ///< of the batchable step, without the cursors: each worker has its own
  bool no_op = false;           ///< a placeholder: there was nothing to do
  std::uint32_t unfinished = 0; ///< workers that still hold back what joins them
  std::uint32_t active = 0;     ///< workers that take up the batch's parallelism
  std::uint32_t next = 0;       ///< the first cursor that may not have been enqueued yet
};

/// What the head row of a task says, which is what others find it by. Turns that change nothing of this leave it alone.
struct stored_head {
  std::int32_t version = 0; ///< of the turn that wrote it; 0: the creation
  task_state state = task_state::pending;
  bool paused = false;
  timestamp state_since;
  std::optional<timestamp> due_at;
  std::optional<timestamp> deadline_at; ///< may be a little earlier than the task's, see close_turn
};

/// Everything a node knows of one resident task. Loaded once, then moved from actor to actor in a baton.
/// Not thread-safe: whoever holds the baton owns it.
struct task_context {
  task_id id;
  template_snapshot definition;
  input_snapshot input;
  std::int32_t version = 0; ///< each committed turn adds one
  stored_head head;
  task_state state = task_state::pending;
  timestamp created_at;
  timestamp updated_at;
  std::optional<timestamp> completed_at;
  timestamp state_since;
  bool paused = false;
  std::vector<step_record> steps;                            ///< step n at index n - 1: the template's, then workers
  std::vector<batch_group> batches;                          ///< in the order in which they were cut
  std::vector<due_retry> retries;                            ///< see earliest_retry()
  std::array<std::uint32_t, step_state_count> step_counts{}; ///< existing steps per state
  std::uint32_t tolerated_failures = 0;                      ///< steps in error that do not block the task
  std::uint32_t turn_round_trips = 0;                        ///< database round trips made for the open turn so far

  std::uint32_t count(step_state s) const { return step_counts[static_cast<std::size_t>(s)]; }

  const step_record& step(std::uint16_t number) const { return steps[number - 1u]; }
  step_record& step(std::uint16_t number) { return steps[number - 1u]; }

  const step_definition& definition_of(std::uint16_t number) const {
    return definition->steps[step(number).definition];
  }

  /// The batch that a worker belongs to; null for other steps.
  const batch_group* batch_of(std::uint16_t number) const {
    auto batch = step(number).batch;
    return batch == 0 ? nullptr : &batches[batch - 1u];
  }

  /// The cursor of a batch worker.
  const batch_cursor& cursor_of(std::uint16_t number) const {
    auto& batch = *batch_of(number);
    return batch.cursors[static_cast<std::size_t>(number - batch.first)];
  }

  /// `<template step>_<batch id>` for batch workers, else the name in the template.
  std::string name_of(std::uint16_t number) const {
    auto& name = definition_of(number).name;
    return batch_of(number) ? name + "_" + cursor_of(number).batch_id : name;
  }

  std::uint32_t existing_steps() const {
    std::uint32_t total = 0;
    for (auto n : step_counts)
      total += n;
    return total;
  }

  /// Steps that failed for good and stop the task.
  std::uint32_t blocking_failures() const { return count(step_state::error) - tolerated_failures; }
};

/// A copy for readers, with the steps that are with a worker shown as in_progress.
using task_snapshot = snapshot<task_context>;

/// The right to change a task's context, handed from actor to actor. CAF copies message values, so copies of a baton
/// share one slot, and only the first take() gets the context. Thread-safe as far as messages are.
class baton {
public:
  baton() = default;
  explicit baton(std::unique_ptr<task_context> context)
    : slot_(std::make_shared<std::unique_ptr<task_context>>(std::move(context))) {}

  /// The context; null if it was taken already.
  std::unique_ptr<task_context> take() const { return slot_ ? std::move(*slot_) : nullptr; }

private:
  std::shared_ptr<std::unique_ptr<task_context>> slot_;
};

} // namespace geartrain
