#include "runtime/api/task_json.hpp"

#include "runtime/api/json_view.hpp"
#include "runtime/api/task_figures.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace geartrain {

namespace {

void write_readiness(json_writer& out, const task_context& task, std::size_t index, timestamp now) {
  const auto& step = task.steps[index];
  auto figures = figures_of_step(task, index, now);
  auto id = make_step_id(task.id, static_cast<std::uint16_t>(index + 1));
  out.begin_object();
  // A step's own id names its definition too: both are its number within the task's template.
  out.field("workflow_step_uuid", id).field("task_uuid", task.id).field("named_step_uuid", id);
  out.field("name", task.definition->steps[index].name).field("current_state", to_string(step.state));
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

using members = std::vector<std::pair<std::string, json_view>>;

/// Of duplicates the last; null if there is none.
const json_view* last_of(const members& all, std::string_view name) {
  auto found = std::find_if(all.rbegin(), all.rend(), [&](const auto& entry) { return entry.first == name; });
  return found == all.rend() ? nullptr : &found->second;
}

/// Members of the stored metadata that only the worker knows, and what stands there if it is silent.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> of_worker{{{"handler_version", "null"},
                                                                                  {"worker_hostname", "null"},
                                                                                  {"started_at", "null"},
                                                                                  {"custom", "{}"},
                                                                                  {"error_code", "null"},
                                                                                  {"error_type", "null"},
                                                                                  {"context", "{}"}}};
constexpr std::array<std::string_view, 4> of_engine{"execution_time_ms", "retryable", "completed_at", "worker_id"};

bool is_known(std::string_view name) {
  return std::find(of_engine.begin(), of_engine.end(), name) != of_engine.end() ||
         std::any_of(of_worker.begin(), of_worker.end(), [&](const auto& entry) { return entry.first == name; });
}

/// The result's metadata: what the engine knows wins, the rest is spliced in as the worker gave it.
void write_metadata(json_writer& out, const step_record& step, bool success) {
  auto given = json_view{step.metadata.view_or("{}")}.members();
  auto retryable = success ? std::nullopt : json_view{step.error.view_or("null")}.member("retryable");
  if (const auto* stated = last_of(given, "retryable"); !retryable && stated)
    retryable = *stated;
  out.begin_object().field("execution_time_ms", step.execution_time_ms);
  out.field("retryable", retryable ? retryable->as_bool().value_or(true) : true);
  out.field("completed_at", step.completed_at ? step.completed_at : step.last_failure_at);
  out.field("worker_id", step.worker.empty() ? std::nullopt : std::optional{step.worker});
  for (const auto& [name, fallback] : of_worker) {
    const auto* value = last_of(given, name);
    out.raw_field(name, value ? value->text() : fallback);
  }
  for (const auto& [name, value] : given)
    if (!is_known(name))
      out.raw_field(name, value.text());
  out.end_object();
}

/// The whole result of the last attempt that ended; null before.
void write_results(json_writer& out, const step_record& step, const step_id& id) {
  if (step.attempts.empty()) {
    out.null();
    return;
  }
  bool success = step.attempts.back().outcome == attempt_outcome::success;
  out.begin_object().field("step_uuid", id).field("success", success);
  out.field("result", success ? step.result : json_text{});
  out.field("status", success ? "completed" : "failed").key("metadata");
  write_metadata(out, step, success);
  out.field("error", success ? json_text{} : step.error);
  out.key("orchestration_metadata").null().end_object();
}

} // namespace

void write_task(json_writer& out, const task_context& task, timestamp now) {
  const auto& input = *task.input;
  out.begin_object().field("task_uuid", task.id).field("name", task.definition->name);
  out.field("namespace", task.definition->namespace_name).field("version", task.definition->version);
  out.field("status", to_string(task.state)).field("created_at", task.created_at);
  out.field("updated_at", task.updated_at).field("completed_at", task.completed_at);
  out.raw_field("context", input.context.view_or("{}"));
  out.field("initiator", input.initiator).field("source_system", input.source_system).field("reason", input.reason);
  out.field("priority", input.priority).key("tags").begin_array();
  for (const auto& tag : input.tags)
    out.value(tag);
  out.end_array().field("correlation_id", input.correlation_id);
  out.field("parent_correlation_id", input.parent_correlation_id).field("requested_at", input.requested_at);
  write_figures(out, figures_of_task(task, now));
  out.key("steps").begin_array();
  for (std::size_t i = 0; i < task.steps.size(); ++i)
    write_readiness(out, task, i, now);
  out.end_array().end_object();
}

void write_step(json_writer& out, const task_context& task, std::size_t index, timestamp now) {
  const auto& step = task.steps[index];
  auto figures = figures_of_step(task, index, now);
  auto id = make_step_id(task.id, static_cast<std::uint16_t>(index + 1));
  out.begin_object().field("step_uuid", id).field("task_uuid", task.id);
  out.field("name", task.definition->steps[index].name).field("created_at", task.created_at);
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
