#include "workflow/step_transitions.hpp"

namespace geartrain {

void derive(task_context& context, std::uint16_t number, step_state state) {
  auto& step = context.steps[number - 1u];
  --context.step_counts[static_cast<std::size_t>(step.state)];
  ++context.step_counts[static_cast<std::size_t>(state)];
  step.state = state;
}

void fire(task_context& context, std::uint16_t number, step_event event) {
  auto from = context.steps[number - 1u].state;
  auto to = next_state(from, event);
  if (!to)
    throw illegal_transition(from, event);
  derive(context, number, *to);
}

void record_attempt(step_record& step, const step_outcome& outcome) {
  step.attempts.push_back({outcome.lease_nonce, outcome.outcome});
  step.metadata = outcome.metadata;
  step.execution_time_ms = outcome.execution_time_ms;
  step.worker = outcome.worker;
  step.last_attempted_at = outcome.claimed_at;
  step.next_attempt_at = outcome.next_attempt_at;
  if (outcome.outcome == attempt_outcome::success) {
    step.result = outcome.result;
    step.completed_at = outcome.finished_at;
  } else {
    step.error = outcome.error;
    step.last_failure_at = outcome.finished_at;
  }
}

} // namespace geartrain
