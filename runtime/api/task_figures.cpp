#include "runtime/api/task_figures.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace geartrain {

namespace {

std::uint32_t count_completed_parents(const task_context& task, const step_definition& definition) {
  auto done = std::count_if(definition.dependencies.begin(), definition.dependencies.end(),
                            [&](std::uint16_t parent) { return satisfies_children(task.steps[parent].state); });
  return static_cast<std::uint32_t>(done);
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
  if (figures.failed > 0)
    say("blocked_by_failures", "handle_failures");
  else if (figures.ready > 0)
    say("has_ready_steps", "execute_ready_steps");
  else if (busy > 0)
    say("processing", "wait_for_completion");
  else if (figures.total > 0 && figures.completed == figures.total)
    say("all_complete", "finalize_task");
  else
    say("waiting_for_dependencies", "wait_for_dependencies");
  figures.health_status = figures.failed > 0 ? "blocked" : "healthy";
}

} // namespace

step_figures figures_of_step(const task_context& task, std::size_t index, timestamp now) {
  const auto& definition = task.definition->steps[index];
  const auto& step = task.steps[index];
  step_figures figures;
  figures.total_parents = static_cast<std::uint32_t>(definition.dependencies.size());
  figures.completed_parents = count_completed_parents(task, definition);
  figures.dependencies_satisfied = figures.completed_parents == figures.total_parents;
  figures.attempts = static_cast<std::uint32_t>(step.attempts.size()) + (step.state == step_state::in_progress ? 1 : 0);
  figures.max_attempts = std::max<std::uint32_t>(1, definition.retry.max_attempts);
  figures.retry_eligible =
    figures.attempts == 0 || (definition.retry.retryable && figures.attempts < figures.max_attempts);
  bool waits = step.state == step_state::pending || step.state == step_state::waiting_for_retry;
  bool due = !step.next_attempt_at || *step.next_attempt_at <= now;
  figures.ready = waits && due && figures.dependencies_satisfied && figures.retry_eligible;
  figures.backoff_seconds = backoff_of(step);
  return figures;
}

task_figures figures_of_task(const task_context& task, timestamp now) {
  task_figures figures;
  figures.total = static_cast<std::uint32_t>(task.steps.size());
  for (std::size_t i = 0; i < task.steps.size(); ++i) {
    switch (task.steps[i].state) {
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
    figures.ready += figures_of_step(task, i, now).ready ? 1 : 0;
  }
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
