#include "runtime/api/api_ask.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/task_access.hpp"
#include "runtime/api/task_figures.hpp"

// The audit of a step: what is recorded of it, newest first.

namespace geartrain {

namespace {

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

void write_row(json_writer& out, const audit_row& row, const step_id& step, std::string_view name,
               const uuid& correlation_id) {
  out.begin_object().field("audit_uuid", row.id).field("workflow_step_uuid", step);
  out.field("transition_uuid", row.transition_id).field("task_uuid", task_of(step));
  out.field("recorded_at", row.recorded_at).field("worker_uuid", parse_uuid(row.worker));
  out.field("worker_id", unless_empty(row.worker)).field("correlation_id", correlation_id);
  out.field("success", row.success).field("execution_time_ms", row.execution_time_ms).field("result", row.result);
  out.field("step_name", name).key("from_state");
  if (row.from)
    out.value(to_string(*row.from));
  else
    out.null();
  out.field("to_state", to_string(row.to)).field("kind", row.kind).field("who", unless_empty(row.who));
  out.field("reason", unless_empty(row.reason)).key("attempt");
  if (row.attempt > 0)
    out.value(row.attempt);
  else
    out.null();
  out.end_object();
}

void get_audit(const api_ptr& api, const http_request& request, const responder& reply) {
  auto path = path_step(request, reply);
  if (!path)
    return;
  read_task(api, path->task, reply,
            [api, reply, step = path->step](const task_snapshot& task, const admission_ticket& ticket) {
              if (task_of(step) != task->id || !is_shown(*task, number_of(step)))
                return reply(unknown_step(step));
              ask_then(api, reply, read_audit_unit{step}, [reply, ticket, task, step](const read_audit_reply& found) {
                reply.later([found, task, step] {
                  auto name = task->name_of(number_of(step));
                  json_writer out;
                  out.begin_array();
                  for (const auto& row : found.rows)
                    write_row(out, row, step, name, task->input->correlation_id);
                  return about_task(200, *task, out.end_array().take());
                });
              });
            });
}

} // namespace

void add_audit_route(router& routes, const api_ptr& api) {
  routes.add("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}/audit",
             [api](const http_request& q, const responder& r) { get_audit(api, q, r); });
}

} // namespace geartrain
