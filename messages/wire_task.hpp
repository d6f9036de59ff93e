#pragma once

#include "messages/task.hpp"
#include "messages/wire.hpp"

// What a task looks like on the wire: the whole of what a resident task is.

namespace geartrain {

template <>
struct wire::values<task_state> : from_to<task_state{0}, task_state{task_state_count - 1}> {};
template <>
struct wire::values<step_state> : from_to<step_state{0}, step_state{step_state_count - 1}> {};
template <>
struct wire::values<attempt_outcome> : from_to<attempt_outcome{1}, attempt_outcome{attempt_outcome_count}> {};
template <>
struct wire::values<existence> : from_to<existence::undecided, existence::never> {};

template <wire::format F>
caf::error inspect(F& f, task_input& x) {
  return wire::fields(f, x.context, x.initiator, x.source_system, x.reason, x.tags, x.correlation_id,
                      x.parent_correlation_id, x.priority, x.requested_at, x.start_at);
}

template <wire::format F>
caf::error inspect(F& f, ended_attempt& x) {
  return wire::fields(f, x.lease_nonce, x.outcome);
}

template <wire::format F>
caf::error inspect(F& f, step_record& x) {
  return wire::fields(f, x.definition, x.batch, x.being, x.late, x.in_slot, x.requested_by, x.state, x.forgiven,
                      x.remaining_parents, x.attempts, x.result, x.error, x.metadata, x.execution_time_ms, x.checkpoint,
                      x.yielded_nonce, x.yields, x.worker, x.next_attempt_at, x.last_attempted_at, x.last_failure_at,
                      x.completed_at);
}

template <wire::format F>
caf::error inspect(F& f, due_retry& x) {
  return wire::fields(f, x.at, x.number);
}

template <wire::format F>
caf::error inspect(F& f, batch_cursor& x) {
  return wire::fields(f, x.batch_id, x.cursor);
}

template <wire::format F>
caf::error inspect(F& f, batch_group& x) {
  return wire::fields(f, x.worker, x.source, x.first, x.cursors, x.source_result, x.no_op, x.unfinished, x.active,
                      x.next);
}

template <wire::format F>
caf::error inspect(F& f, stored_head& x) {
  return wire::fields(f, x.version, x.state, x.paused, x.state_since, x.due_at, x.deadline_at);
}

template <wire::format F>
caf::error inspect(F& f, task_context& x) {
  return wire::fields(f, x.id, x.definition, x.input, x.version, x.head, x.state, x.created_at, x.updated_at,
                      x.completed_at, x.state_since, x.paused, x.steps, x.batches, x.retries, x.step_counts,
                      x.tolerated_failures, x.turn_round_trips);
}

} // namespace geartrain
