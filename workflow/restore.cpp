#include "workflow/restore.hpp"

#include "workflow/step_transitions.hpp"
#include "workflow/turn.hpp"

namespace geartrain {

namespace {

void replay(step_record& step, const step_outcome& outcome) {
  record_attempt(step, outcome);
  if (outcome.outcome == attempt_outcome::success)
    step.state = step_state::complete;
  else
    step.state = outcome.next_attempt_at ? step_state::waiting_for_retry : step_state::error;
}

void count_steps(task_context& context) {
  auto& definitions = context.definition->steps;
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto& step = context.steps[i];
    ++context.step_counts[static_cast<std::size_t>(step.state)];
    for (auto parent : definitions[i].dependencies)
      if (!satisfies_children(context.steps[parent].state))
        ++step.remaining_parents;
  }
}

void enqueue_what_may_run(task_context& context, timestamp now) {
  if (is_terminal(context.state) || context.count(step_state::error) > 0)
    return;
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto number = static_cast<std::uint16_t>(i + 1);
    auto& step = context.steps[i];
    if (step.state == step_state::waiting_for_retry && step.next_attempt_at && *step.next_attempt_at <= now) {
      fire(context, number, step_event::retry);
      step.next_attempt_at.reset();
    }
    if (step.state == step_state::pending && step.remaining_parents == 0)
      fire(context, number, step_event::enqueue);
  }
}

} // namespace

std::unique_ptr<task_context> restore_task(const task_rows& rows, template_snapshot definition, timestamp now) {
  auto context = std::make_unique<task_context>();
  context->id = rows.head.id;
  context->definition = std::move(definition);
  context->input = input_snapshot{rows.input};
  context->version = rows.head.version;
  context->state = rows.head.state;
  context->created_at = rows.head.created_at;
  context->updated_at = rows.head.updated_at;
  context->completed_at = rows.head.completed_at;
  context->steps.resize(context->definition->steps.size());
  for (auto& outcome : rows.attempts)
    if (outcome.number >= 1 && outcome.number <= context->steps.size())
      replay(context->steps[outcome.number - 1u], outcome);
  count_steps(*context);
  enqueue_what_may_run(*context, now);
  for (auto& claim : rows.claims)
    mark_claimed(*context, claim.number, claim.attempt, claim.claimed_at);
  resume_if_due(*context);
  return context;
}

} // namespace geartrain
