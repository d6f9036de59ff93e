#include "runtime/api/summary_json.hpp"

#include "runtime/api/json_view.hpp"
#include "runtime/api/step_results.hpp"
#include "runtime/api/task_figures.hpp"
#include "runtime/api/task_json.hpp"

#include <algorithm>

namespace geartrain {

namespace {

void write_template(json_writer& out, const task_template& definition) {
  out.key("template").begin_object().field("version", definition.version).field("digest", definition.digest);
  out.key("steps").begin_array();
  for (const auto& step : definition.steps) {
    out.begin_object().field("name", step.name).field("step_type", to_string(step.type));
    out.field("handler", step.handler.callable).key("dependencies").begin_array();
    for (auto parent : step.dependencies)
      out.value(definition.steps[parent].name);
    out.end_array().field("retryable", step.retry.retryable).field("max_attempts", step.retry.max_attempts);
    out.end_object();
  }
  out.end_array().end_object();
}

/// What the last failure was, in short; null if the step did not fail last.
void write_error(json_writer& out, const step_record& step) {
  out.key("error");
  if (!step.error || has_succeeded(step)) {
    out.null();
    return;
  }
  json_view error{step.error.view()};
  out.begin_object();
  for (auto name : {"error_type", "status_code"})
    out.raw_field(name, error.member(name).value_or(json_view{}).text());
  auto retryable = error.member("retryable");
  out.field("retryable", retryable ? retryable->as_bool().value_or(true) : true);
  out.end_object();
}

void write_steps(json_writer& out, const task_context& task, timestamp now) {
  out.key("steps").begin_array();
  for (auto number : shown_steps(task)) {
    const auto& step = task.step(number);
    auto figures = figures_of_step(task, number, now);
    out.begin_object().field("step_uuid", make_step_id(task.id, number)).field("name", task.name_of(number));
    out.field("current_state", to_string(step.state)).field("created_at", task.created_at);
    out.field("completed_at", step.completed_at).field("last_attempted_at", step.last_attempted_at);
    out.field("attempts", figures.attempts).field("max_attempts", figures.max_attempts);
    out.field("dependencies_satisfied", figures.dependencies_satisfied);
    out.field("retry_eligible", figures.retry_eligible);
    write_error(out, step);
    out.end_object();
  }
  out.end_array();
}

void write_cases(json_writer& out, const std::vector<dead_letter_row>& cases) {
  bool open = std::any_of(cases.begin(), cases.end(),
                          [](const dead_letter_row& row) { return row.status == resolution_status::pending; });
  out.key("dlq").begin_object().field("in_dlq", open);
  if (cases.empty())
    out.key("dlq_reason").null().key("resolution_status").null();
  else
    out.field("dlq_reason", to_string(cases.front().letter.reason))
      .field("resolution_status", to_string(cases.front().status));
  out.end_object();
}

} // namespace

void write_summary(json_writer& out, const task_context& task, const list_dead_letters_reply& cases, timestamp now) {
  out.begin_object().key("task");
  write_task(out, task, now, task_parts::head);
  write_template(out, *task.definition);
  write_steps(out, task, now);
  write_cases(out, cases.rows);
  auto id = to_string(task.id);
  out.key("links").begin_object().field("task", "/v1/tasks/" + id);
  out.field("steps", "/v1/tasks/" + id + "/workflow_steps").field("dlq", "/v1/dlq/task/" + id);
  out.end_object().end_object();
}

} // namespace geartrain
