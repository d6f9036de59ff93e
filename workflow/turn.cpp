#include "workflow/turn.hpp"

#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain {

namespace {

void complete_step(task_context& context, std::uint16_t number) {
  fire(context, number, step_event::enqueue_for_orchestration);
  fire(context, number, step_event::complete);
  for (auto child : context.definition->steps[number - 1u].children)
    --context.steps[child].remaining_parents;
}

void fail_step(task_context& context, std::uint16_t number, bool final_failure) {
  fire(context, number, step_event::enqueue_as_error_for_orchestration);
  fire(context, number, final_failure ? step_event::fail : step_event::wait_for_retry);
}

void apply(task_context& context, const step_outcome& outcome) {
  mark_started(context, outcome.number, outcome.claimed_at);
  record_attempt(context.steps[outcome.number - 1u], outcome);
  if (outcome.outcome == attempt_outcome::success)
    complete_step(context, outcome.number);
  else
    fail_step(context, outcome.number, !outcome.next_attempt_at.has_value());
}

bool enqueue_if_due(task_context& context, std::uint16_t number, timestamp now) {
  auto& step = context.steps[number - 1u];
  if (step.state != step_state::waiting_for_retry || !step.next_attempt_at || *step.next_attempt_at > now)
    return false;
  fire(context, number, step_event::retry);
  fire(context, number, step_event::enqueue);
  step.next_attempt_at.reset();
  return true;
}

bool enqueue_if_ready(task_context& context, std::uint16_t number) {
  auto& step = context.steps[number - 1u];
  if (step.state != step_state::pending || step.remaining_parents > 0)
    return false;
  fire(context, number, step_event::enqueue);
  return true;
}

std::optional<timestamp> earliest_retry(const task_context& context) {
  std::optional<timestamp> due;
  for (auto& step : context.steps)
    if (step.state == step_state::waiting_for_retry && step.next_attempt_at && (!due || *step.next_attempt_at < *due))
      due = step.next_attempt_at;
  return due;
}

} // namespace

std::unique_ptr<task_context> new_task(const task_id& id, template_snapshot definition, input_snapshot input,
                                       timestamp now) {
  auto context = std::make_unique<task_context>();
  context->id = id;
  context->definition = std::move(definition);
  context->input = std::move(input);
  context->state = task_state::steps_in_process;
  context->created_at = now;
  context->updated_at = now;
  auto& steps = context->definition->steps;
  context->steps.resize(steps.size());
  context->step_counts[static_cast<std::size_t>(step_state::pending)] = static_cast<std::uint32_t>(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i)
    context->steps[i].remaining_parents = static_cast<std::uint16_t>(steps[i].dependencies.size());
  for (std::size_t i = 0; i < steps.size(); ++i)
    enqueue_if_ready(*context, static_cast<std::uint16_t>(i + 1));
  return context;
}

std::vector<std::uint16_t> enqueued_steps(const task_context& context) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t i = 0; i < context.steps.size(); ++i)
    if (context.steps[i].state == step_state::enqueued)
      numbers.push_back(static_cast<std::uint16_t>(i + 1));
  return numbers;
}

void mark_started(task_context& context, std::uint16_t number, timestamp claimed_at) {
  auto& step = context.steps[number - 1u];
  if (step.state != step_state::enqueued)
    return;
  fire(context, number, step_event::start);
  step.last_attempted_at = claimed_at;
}

void mark_claimed(task_context& context, std::uint16_t number, std::uint16_t attempt, timestamp claimed_at) {
  if (number < 1 || number > context.steps.size() || is_terminal(context.state))
    return;
  auto& step = context.steps[number - 1u];
  auto finished = step.state == step_state::complete || step.state == step_state::error;
  if (finished || attempt != step.attempts.size() + 1)
    return;
  derive(context, number, step_state::in_progress);
  step.next_attempt_at.reset();
  step.last_attempted_at = claimed_at;
}

void mark_returned(task_context& context, std::uint16_t number) {
  if (context.steps[number - 1u].state == step_state::in_progress)
    derive(context, number, step_state::enqueued);
}

std::vector<std::uint16_t> advance(task_context& context, const std::vector<step_outcome>& outcomes,
                                   const std::vector<std::uint16_t>& due_steps, timestamp now) {
  for (auto& outcome : outcomes)
    apply(context, outcome);
  std::vector<std::uint16_t> enqueued;
  if (context.count(step_state::error) > 0 || is_terminal(context.state))
    return enqueued;
  for (auto& outcome : outcomes) {
    if (outcome.outcome == attempt_outcome::success) {
      for (auto child : context.definition->steps[outcome.number - 1u].children)
        if (auto number = static_cast<std::uint16_t>(child + 1); enqueue_if_ready(context, number))
          enqueued.push_back(number);
    } else if (enqueue_if_due(context, outcome.number, now)) {
      enqueued.push_back(outcome.number);
    }
  }
  for (auto number : due_steps)
    if (enqueue_if_due(context, number, now))
      enqueued.push_back(number);
  return enqueued;
}

void withdraw(task_context& context, const std::vector<std::uint16_t>& numbers) {
  for (auto number : numbers)
    if (context.steps[number - 1u].state == step_state::enqueued)
      derive(context, number, step_state::pending);
}

task_state resting_state(const task_context& context) {
  if (is_terminal(context.state))
    return context.state;
  auto done = context.count(step_state::complete) + context.count(step_state::resolved_manually);
  if (done == context.steps.size())
    return task_state::complete;
  if (context.count(step_state::error) > 0)
    return context.count(step_state::in_progress) > 0 ? task_state::blocked_by_failures : task_state::error;
  if (context.count(step_state::in_progress) + context.count(step_state::enqueued) > 0)
    return task_state::steps_in_process;
  return context.count(step_state::waiting_for_retry) > 0 ? task_state::waiting_for_retry
                                                          : task_state::waiting_for_dependencies;
}

bool nothing_to_run(const task_context& context) {
  return context.count(step_state::in_progress) + context.count(step_state::enqueued) == 0;
}

turn_record close_turn(task_context& context, std::vector<step_outcome> outcomes, task_state state, timestamp now) {
  if (!path_between(context.state, state))
    throw illegal_transition(context.state, state);
  context.state = state;
  context.updated_at = now;
  if (is_terminal(state) && !context.completed_at)
    context.completed_at = now;
  turn_record record;
  record.task = context.id;
  record.expected_version = context.version;
  record.state = state;
  record.steps_completed = context.count(step_state::complete) + context.count(step_state::resolved_manually);
  record.steps_failed = context.count(step_state::error);
  if (state == task_state::waiting_for_retry)
    record.due_at = earliest_retry(context);
  record.completed_at = context.completed_at;
  record.now = now;
  record.outcomes = std::move(outcomes);
  return record;
}

void resume_if_due(task_context& context) {
  if (context.state == task_state::waiting_for_retry && context.count(step_state::enqueued) > 0)
    context.state = task_state::steps_in_process;
}

ready_step_ptr make_ready_step(const task_context& context, std::uint16_t number, timestamp now) {
  auto ready = std::make_shared<ready_step>();
  auto& step = context.steps[number - 1u];
  auto& definition = context.definition->steps[number - 1u];
  ready->id = make_step_id(context.id, number);
  ready->attempt = static_cast<std::uint16_t>(step.attempts.size() + 1);
  ready->definition = context.definition;
  ready->input = context.input;
  ready->dependency_results.reserve(definition.ancestors.size());
  for (auto ancestor : definition.ancestors)
    if (context.steps[ancestor].state == step_state::complete)
      ready->dependency_results.emplace_back(ancestor, context.steps[ancestor].result);
  ready->previous_error = step.error;
  ready->ready_at = now;
  return ready;
}

} // namespace geartrain
