#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain {

namespace {

bool is_later(const due_retry& a, const due_retry& b) {
  return a.at > b.at;
}

} // namespace

void derive(task_context& context, std::uint16_t number, step_state state) {
  auto& step = context.steps[number - 1u];
  --context.step_counts[static_cast<std::size_t>(step.state)];
  ++context.step_counts[static_cast<std::size_t>(state)];
  step.state = state;
  if (state == step_state::waiting_for_retry)
    note_retry(context, number);
}

void note_retry(task_context& context, std::uint16_t number) {
  if (auto at = context.step(number).next_attempt_at) {
    context.retries.push_back({*at, number});
    std::push_heap(context.retries.begin(), context.retries.end(), is_later);
  }
}

std::optional<timestamp> earliest_retry(task_context& context) {
  auto& heap = context.retries;
  while (!heap.empty()) {
    auto& first = heap.front();
    auto& step = context.step(first.number);
    if (step.state == step_state::waiting_for_retry && step.next_attempt_at == first.at)
      return first.at;
    std::pop_heap(heap.begin(), heap.end(), is_later);
    heap.pop_back();
  }
  return std::nullopt;
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
  step.yields = 0;
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
