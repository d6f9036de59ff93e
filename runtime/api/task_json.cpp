#include "runtime/api/task_json.hpp"

#include "runtime/api/step_results.hpp"
#include "runtime/api/task_figures.hpp"

namespace geartrain {

namespace {

void write_readiness(json_writer& out, const task_context& task, std::uint16_t number, timestamp now) {
  const auto& step = task.step(number);
  auto figures = figures_of_step(task, number, now);
  auto id = make_step_id(task.id, number);
  out.begin_object();
  // A step's own id names its definition too: both are its number within the task.
  out.field("workflow_step_uuid", id).field("task_uuid", task.id).field("named_step_uuid", id);
  out.field("name", task.name_of(number)).field("current_state", to_string(step.state));
  out.field("dependencies_satisfied", figures.dependencies_satisfied);
  out.field("retry_eligible", figures.retry_eligible).field("ready_for_execution", figures.ready);
  out.field("last_failure_at", step.last_failure_at).field("next_retry_at", step.next_attempt_at);
  out.field("total_parents", figures.total_parents).field("completed_parents", figures.completed_parents);
  out.field("attempts", figures.attempts).field("max_attempts", figures.max_attempts);
  out.field("backoff_request_seconds", figures.backoff_seconds);
  out.field("last_attempted_at", step.last_attempted_at).end_object();
}

void write_figures(json_writer& out, const task_figures& figures) {
  out.field("total_steps", figures.total).field("pending_steps", figures.pending);
  out.field("enqueued_steps", figures.enqueued).field("in_progress_steps", figures.in_progress);
  out.field("completed_steps", figures.completed).field("failed_steps", figures.failed);
  out.field("ready_steps", figures.ready).field("execution_status", figures.execution_status);
  out.field("recommended_action", figures.recommended_action).field("health_status", figures.health_status);
  out.field("completion_percentage", figures.completion_percentage);
}

} // namespace

void write_task(json_writer& out, const task_context& task, timestamp now, task_parts parts) {
  const auto& input = *task.input;
  out.begin_object().field("task_uuid", task.id).field("name", task.definition->name);
  out.field("namespace", task.definition->namespace_name).field("version", task.definition->version);
  out.field("status", to_string(task.state)).field("created_at", task.created_at);
  out.field("updated_at", task.updated_at).field("completed_at", task.completed_at);
  out.field("paused", task.paused).field("start_at", input.start_at);
  if (parts == task_parts::all)
    out.raw_field("context", input.context.view_or("{}"));
  out.field("initiator", input.initiator).field("source_system", input.source_system).field("reason", input.reason);
  out.field("priority", input.priority).key("tags").begin_array();
  for (const auto& tag : input.tags)
    out.value(tag);
  out.end_array().field("correlation_id", input.correlation_id);
  out.field("parent_correlation_id", input.parent_correlation_id).field("requested_at", input.requested_at);
  write_figures(out, figures_of_task(task, now));
  if (parts == task_parts::all) {
    out.key("steps").begin_array();
    for (auto number : shown_steps(task))
      write_readiness(out, task, number, now);
    out.end_array();
  }
  out.end_object();
}

void write_step(json_writer& out, const task_context& task, std::uint16_t number, timestamp now) {
  const auto& step = task.step(number);
  auto figures = figures_of_step(task, number, now);
  auto id = make_step_id(task.id, number);
  out.begin_object().field("step_uuid", id).field("task_uuid", task.id);
  out.field("name", task.name_of(number)).field("template_step_name", task.definition_of(number).name);
  out.field("created_at", task.created_at);
  out.field("updated_at", updated_at(task, step)).field("completed_at", step.completed_at);
  out.key("results");
  write_results(out, step, id);
  out.field("current_state", to_string(step.state)).field("dependencies_satisfied", figures.dependencies_satisfied);
  out.field("retry_eligible", figures.retry_eligible).field("ready_for_execution", figures.ready);
  out.field("total_parents", figures.total_parents).field("completed_parents", figures.completed_parents);
  out.field("attempts", figures.attempts).field("max_attempts", figures.max_attempts);
  out.field("last_failure_at", step.last_failure_at).field("next_retry_at", step.next_attempt_at);
  out.field("last_attempted_at", step.last_attempted_at).end_object();
}

} // namespace geartrain
