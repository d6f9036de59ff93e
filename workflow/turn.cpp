#include "workflow/turn.hpp"

#include "workflow/acts.hpp"
#include "workflow/batches.hpp"
#include "workflow/expansion.hpp"
#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain {

namespace {

void complete_step(task_context& context, std::uint16_t number, turn_effects& effects) {
  fire(context, number, step_event::enqueue_for_orchestration);
  fire(context, number, step_event::complete);
  finish_step(context, number, effects);
}

void fail_step(task_context& context, std::uint16_t number, bool final_failure, turn_effects& effects) {
  fire(context, number, step_event::enqueue_as_error_for_orchestration);
  fire(context, number, final_failure ? step_event::fail : step_event::wait_for_retry);
  if (final_failure && context.batch_of(number))
    fail_worker(context, number, effects);
}

void apply(task_context& context, step_outcome& outcome, const turn_rules& rules, timestamp now,
           turn_effects& effects) {
  mark_started(context, outcome.number, outcome.claimed_at);
  if (outcome.outcome == attempt_outcome::success)
    if (auto why = expand(context, outcome.number, outcome.result, rules.growth, now, effects))
      refuse_expansion(outcome, *why);
  record_attempt(context.step(outcome.number), outcome);
  if (outcome.outcome == attempt_outcome::success)
    complete_step(context, outcome.number, effects);
  else
    fail_step(context, outcome.number, !outcome.next_attempt_at.has_value(), effects);
}

void apply(task_context& context, const step_checkpoint& checkpoint) {
  auto& step = context.step(checkpoint.number);
  step.checkpoint = checkpoint.data;
  step.yields = checkpoint.yields;
  if (!checkpoint.yielded)
    return;
  step.yielded_nonce = checkpoint.lease_nonce;
  step.last_attempted_at = checkpoint.at;
  if (step.state == step_state::in_progress)
    derive(context, checkpoint.number, step_state::enqueued);
}

void start(task_context& context, timestamp now, turn_effects& effects) {
  if (context.state != task_state::pending || (context.input->start_at && *context.input->start_at > now))
    return;
  enter_state(context, task_state::steps_in_process, now);
  effects.started = true;
  enqueue_all_ready(context, effects);
}

void go_stale(task_context& context, const turn_rules& rules, timestamp now, turn_effects& effects) {
  auto verdict = stale_verdict(context, rules.staleness, now);
  if (!verdict)
    return;
  effects.stale = verdict->reason;
  task_fact fact;
  fact.kind = fact_kind::task_went_stale;
  fact.at = now;
  fact.reason = verdict->message;
  effects.facts.push_back(std::move(fact));
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto number = static_cast<std::uint16_t>(i + 1);
    auto state = context.step(number).state;
    if (state != step_state::enqueued && state != step_state::in_progress)
      continue;
    derive(context, number, step_state::pending);
    effects.superseded.push_back(number);
  }
  enter_state(context, task_state::error, now);
}

/// Nothing stands in the way of the task any more: what waited for that goes on.
void go_on(task_context& context, timestamp now, turn_effects& effects) {
  if (context.state == task_state::blocked_by_failures)
    enter_state(context, task_state::error, now);
  if (context.state == task_state::error) {
    enter_state(context, task_state::pending, now);
    enter_state(context, task_state::steps_in_process, now);
    context.completed_at.reset();
  }
  effects.revived = true;
  enqueue_all_ready(context, effects);
  for (std::size_t i = 0; i < context.steps.size(); ++i)
    enqueue_if_due(context, static_cast<std::uint16_t>(i + 1), now, effects);
}

std::optional<timestamp> due_time(task_context& context) {
  if (context.state == task_state::pending)
    return context.input->start_at;
  if (context.state == task_state::waiting_for_retry)
    return earliest_retry(context);
  return std::nullopt;
}

} // namespace

std::unique_ptr<task_context> new_task(const task_id& id, template_snapshot definition, input_snapshot input,
                                       timestamp now) {
  auto context = std::make_unique<task_context>();
  context->id = id;
  context->definition = std::move(definition);
  context->input = std::move(input);
  context->state = task_state::pending;
  context->created_at = now;
  context->updated_at = now;
  context->state_since = now;
  begin_growth(*context);
  turn_effects effects;
  start(*context, now, effects);
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
  auto& step = context.step(number);
  if (step.state != step_state::enqueued)
    return;
  fire(context, number, step_event::start);
  step.last_attempted_at = claimed_at;
}

void mark_claimed(task_context& context, std::uint16_t number, std::uint16_t attempt, timestamp claimed_at) {
  if (number < 1 || number > context.steps.size() || is_terminal(context.state))
    return;
  auto& step = context.step(number);
  auto finished = satisfies_children(step.state) || step.state == step_state::error ||
                  step.state == step_state::cancelled || step.being != existence::exists;
  if (finished || attempt != step.attempts.size() + 1)
    return;
  derive(context, number, step_state::in_progress);
  step.next_attempt_at.reset();
  step.last_attempted_at = claimed_at;
}

void mark_returned(task_context& context, std::uint16_t number) {
  if (context.step(number).state == step_state::in_progress)
    derive(context, number, step_state::enqueued);
}

turn_effects advance(task_context& context, turn_causes& causes, const turn_rules& rules, timestamp now) {
  turn_effects effects;
  effects.state_before = context.state;
  effects.state_since_before = context.state_since;
  auto was_blocked = context.blocking_failures() > 0 || context.state == task_state::error;
  for (auto& outcome : causes.outcomes)
    apply(context, outcome, rules, now, effects);
  for (auto& checkpoint : causes.checkpoints) {
    apply(context, checkpoint);
    if (checkpoint.yielded)
      effects.enqueued.push_back(checkpoint.number);
  }
  for (auto& act : causes.acts)
    apply_act(context, act, rules, now, effects);
  if (was_blocked && context.blocking_failures() == 0 && !causes.acts.empty() &&
      (context.state == task_state::error || !is_terminal(context.state)))
    go_on(context, now, effects);
  for (auto& outcome : causes.outcomes)
    enqueue_if_due(context, outcome.number, now, effects);
  for (auto number : causes.due_steps)
    if (number == 0)
      start(context, now, effects);
    else
      enqueue_if_due(context, number, now, effects);
  if (causes.deadline)
    go_stale(context, rules, now, effects);
  return effects;
}

bool enqueue_if_due(task_context& context, std::uint16_t number, timestamp now, turn_effects& effects) {
  auto& step = context.step(number);
  if (step.state != step_state::waiting_for_retry || !step.next_attempt_at || *step.next_attempt_at > now ||
      context.blocking_failures() > 0 || is_terminal(context.state))
    return false;
  fire(context, number, step_event::retry);
  fire(context, number, step_event::enqueue);
  step.next_attempt_at.reset();
  effects.enqueued.push_back(number);
  return true;
}

void withdraw(task_context& context, const std::vector<std::uint16_t>& numbers) {
  for (auto number : numbers)
    if (context.step(number).state == step_state::enqueued)
      derive(context, number, step_state::pending);
}

task_state resting_state(const task_context& context) {
  if (is_terminal(context.state) || context.state == task_state::pending)
    return context.state;
  if (context.blocking_failures() > 0)
    return context.count(step_state::in_progress) > 0 ? task_state::blocked_by_failures : task_state::error;
  auto done =
    context.count(step_state::complete) + context.count(step_state::resolved_manually) + context.tolerated_failures;
  if (done == context.existing_steps())
    return task_state::complete;
  if (context.count(step_state::in_progress) + context.count(step_state::enqueued) > 0)
    return task_state::steps_in_process;
  return context.count(step_state::waiting_for_retry) > 0 ? task_state::waiting_for_retry
                                                          : task_state::waiting_for_dependencies;
}

bool nothing_to_run(const task_context& context) {
  return is_terminal(context.state) ||
         context.count(step_state::in_progress) + context.count(step_state::enqueued) == 0;
}

void enter_state(task_context& context, task_state state, timestamp now) {
  if (!may_move(context.state, state))
    throw illegal_transition(context.state, state);
  if (context.state != state)
    context.state_since = now;
  context.state = state;
}

namespace {

/// Tasks are looked for by their deadline, and each turn moves that of an idle task a little. It may be found that much
/// too early: then it is looked at for nothing.
constexpr int deadline_slack = 16;

bool may_stay(std::optional<timestamp> stored, std::optional<timestamp> deadline, timestamp now) {
  if (!stored || !deadline)
    return stored == deadline;
  return *stored <= *deadline && *deadline - *stored <= (*deadline - now) / deadline_slack;
}

/// True if nobody who looks for the task would miss what the turn changes: its outcomes are found with the task.
bool leaves_head_alone(const stored_head& head, const turn_record& record) {
  auto& appended = record.appended;
  auto outcomes_only = !appended.outcomes.empty() && appended.facts.empty() && appended.checkpoints.empty() &&
                       appended.dead_letters.empty() && appended.events.empty();
  return outcomes_only && head.state == record.state && head.state_since == record.state_since &&
         head.paused == record.paused && head.due_at == record.due_at &&
         may_stay(head.deadline_at, record.deadline_at, record.now);
}

timestamp last_end(const std::vector<step_outcome>& outcomes, timestamp last) {
  for (auto& outcome : outcomes)
    last = std::max(last, outcome.finished_at);
  return last;
}

} // namespace

turn_record close_turn(task_context& context, turn_facts appended, task_state state, const turn_rules& rules,
                       timestamp now) {
  enter_state(context, state, now);
  auto changed_before = std::exchange(context.updated_at, now);
  if (is_terminal(state) && !context.completed_at)
    context.completed_at = now;
  turn_record record;
  record.task = context.id;
  record.expected_version = context.version;
  record.head_version = context.head.version;
  record.state = state;
  record.steps_total = context.existing_steps();
  record.steps_completed = context.count(step_state::complete) + context.count(step_state::resolved_manually);
  record.steps_failed = context.count(step_state::error);
  record.paused = context.paused;
  record.state_since = context.state_since;
  record.due_at = due_time(context);
  record.deadline_at = deadline_of(context, rules.staleness, record.due_at);
  record.completed_at = context.completed_at;
  record.now = now;
  record.appended = std::move(appended);
  record.writes_head = !leaves_head_alone(context.head, record);
  if (record.writes_head)
    context.head = {context.version + 1, state, record.paused, record.state_since, record.due_at, record.deadline_at};
  else
    context.updated_at = last_end(record.appended.outcomes, changed_before);
  return record;
}

void resume_if_due(task_context& context, timestamp now) {
  if (context.state == task_state::waiting_for_retry &&
      context.count(step_state::enqueued) + context.count(step_state::in_progress) > 0)
    enter_state(context, task_state::steps_in_process, now);
}

} // namespace geartrain
