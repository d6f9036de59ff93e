#include "runtime/api/act_body.hpp"
#include "runtime/api/task_access.hpp"

// What operators do to single tasks and their steps.

namespace geartrain {

namespace {

/// DELETE of a task, and POST of its pause and resume.
void act(const api_ptr& api, act_kind kind, std::string_view who_name, const http_request& request,
         const responder& reply) {
  auto id = path_uuid(request, "task_uuid", reply);
  if (!id)
    return;
  auto parsed = parse_note(request, who_name);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto& note = std::get<operator_note>(parsed);
  operator_act wanted;
  wanted.kind = kind;
  wanted.who = std::move(note.who);
  wanted.reason = std::move(note.reason);
  act_on_task(api, *id, std::move(wanted), reply, task_response);
}

/// PATCH of a step.
void change_step(const api_ptr& api, const http_request& request, const responder& reply) {
  auto path = path_step(request, reply);
  if (!path)
    return;
  auto parsed = parse_step_action(request.body);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto number = number_of(path->step);
  if (task_of(path->step) != path->task || number == 0)
    return reply(unknown_step(path->step));
  auto& wanted = std::get<operator_act>(parsed);
  wanted.number = number;
  act_on_task(api, path->task, std::move(wanted), reply, [step = path->step](const task_context& after, timestamp now) {
    return step_response(after, step, now);
  });
}

} // namespace

void add_act_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  auto add = [&](const char* method, const char* path, act_kind kind, const char* who_name) {
    routes.add(
      method, path,
      [api, kind, who_name](const http_request& q, const responder& r) { act(api, kind, who_name, q, r); }, body);
  };
  add("DELETE", "/v1/tasks/{task_uuid}", act_kind::cancel_task, "cancelled_by");
  add("POST", "/v1/tasks/{task_uuid}/pause", act_kind::pause_task, "by");
  add("POST", "/v1/tasks/{task_uuid}/resume", act_kind::resume_task, "by");
  routes.add(
    "PATCH", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}",
    [api](const http_request& q, const responder& r) { change_step(api, q, r); }, body);
}

} // namespace geartrain
