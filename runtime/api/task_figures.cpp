#include "runtime/api/task_figures.hpp"

#include "workflow/batches.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace geartrain {

namespace {

/// Whoever waits for the step goes on: it is done, or its failure is one that a batch goes on without.
bool lets_children_run(const task_context& task, std::uint16_t number) {
  auto state = task.step(number).state;
  return satisfies_children(state) || (state == step_state::error && is_tolerated(task, number));
}

void count_parent(const task_context& task, std::uint16_t number, step_figures& figures) {
  if (!is_shown(task, number))
    return;
  ++figures.total_parents;
  if (lets_children_run(task, number))
    ++figures.completed_parents;
}

void count_parents(const task_context& task, std::uint16_t number, step_figures& figures) {
  for (auto parent : task.definition_of(number).dependencies) {
    if (task.definition->steps[parent].type != step_type::batch_worker) {
      count_parent(task, static_cast<std::uint16_t>(parent + 1), figures);
      continue;
    }
    for (const auto& batch : task.batches)
      for (std::size_t i = 0; batch.worker == parent && i < batch.cursors.size(); ++i)
        count_parent(task, static_cast<std::uint16_t>(batch.first + i), figures);
  }
  figures.dependencies_satisfied = figures.completed_parents == figures.total_parents;
}

std::uint32_t attempts_of(const step_record& step) {
  auto ended = step.attempts.size() - std::min<std::size_t>(step.forgiven, step.attempts.size());
  return static_cast<std::uint32_t>(ended) + (step.state == step_state::in_progress ? 1 : 0);
}

/// The task is held back as a whole: paused, or not due to start yet.
bool is_held_back(const task_context& task, timestamp now) {
  return task.paused || (task.input->start_at && *task.input->start_at > now);
}

std::optional<std::int64_t> backoff_of(const step_record& step) {
  if (step.state != step_state::waiting_for_retry || !step.next_attempt_at || !step.last_failure_at)
    return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(*step.next_attempt_at - *step.last_failure_at).count();
}

/// The first rule that fits decides; a failure outranks what could still run, because nothing new is started after it.
void judge(task_figures& figures) {
  auto busy = figures.in_progress + figures.enqueued;
  auto say = [&](std::string_view status, std::string_view action) {
    figures.execution_status = status;
    figures.recommended_action = action;
  };
  if (figures.blocking > 0)
    say("blocked_by_failures", "handle_failures");
  else if (figures.ready > 0)
    say("has_ready_steps", "execute_ready_steps");
  else if (busy > 0)
    say("processing", "wait_for_completion");
  else if (figures.total > 0 && figures.completed + figures.failed == figures.total)
    say("all_complete", "finalize_task");
  else
    say("waiting_for_dependencies", "wait_for_dependencies");
  figures.health_status = figures.blocking > 0 ? "blocked" : "healthy";
}

} // namespace

bool is_shown(const task_context& task, std::uint16_t number) {
  if (number < 1 || number > task.steps.size() || task.step(number).being != existence::exists)
    return false;
  return task.step(number).batch != 0 || task.definition_of(number).type != step_type::batch_worker;
}

std::vector<std::uint16_t> shown_steps(const task_context& task) {
  std::vector<std::uint16_t> numbers;
  numbers.reserve(task.steps.size());
  for (std::size_t i = 1; i <= task.steps.size(); ++i)
    if (auto number = static_cast<std::uint16_t>(i); is_shown(task, number))
      numbers.push_back(number);
  return numbers;
}

step_figures figures_of_step(const task_context& task, std::uint16_t number, timestamp now) {
  const auto& definition = task.definition_of(number);
  const auto& step = task.step(number);
  step_figures figures;
  count_parents(task, number, figures);
  figures.attempts = attempts_of(step);
  figures.max_attempts = std::max<std::uint32_t>(1, definition.retry.max_attempts);
  figures.retry_eligible =
    figures.attempts == 0 || (definition.retry.retryable && figures.attempts < figures.max_attempts);
  bool waits = step.state == step_state::pending || step.state == step_state::waiting_for_retry;
  bool due = (!step.next_attempt_at || *step.next_attempt_at <= now) && !is_held_back(task, now);
  figures.ready = waits && due && figures.dependencies_satisfied && figures.retry_eligible;
  figures.backoff_seconds = backoff_of(step);
  return figures;
}

task_figures figures_of_task(const task_context& task, timestamp now) {
  task_figures figures;
  for (auto number : shown_steps(task)) {
    ++figures.total;
    switch (task.step(number).state) {
      case step_state::pending:
        ++figures.pending;
        break;
      case step_state::in_progress:
        ++figures.in_progress;
        break;
      case step_state::enqueued:
      case step_state::enqueued_for_orchestration:
      case step_state::enqueued_as_error_for_orchestration:
        ++figures.enqueued;
        break;
      case step_state::complete:
      case step_state::resolved_manually:
        ++figures.completed;
        break;
      case step_state::error:
        ++figures.failed;
        break;
      case step_state::waiting_for_retry:
      case step_state::cancelled:
        break;
    }
    figures.ready += figures_of_step(task, number, now).ready ? 1 : 0;
  }
  figures.blocking = task.blocking_failures();
  if (figures.total > 0)
    figures.completion_percentage = std::round(10000.0 * figures.completed / figures.total) / 100.0;
  judge(figures);
  return figures;
}

timestamp updated_at(const task_context& task, const step_record& step) {
  auto latest = task.created_at;
  for (const auto& when : {step.last_attempted_at, step.last_failure_at, step.completed_at})
    if (when)
      latest = std::max(latest, *when);
  return latest;
}

} // namespace geartrain
