#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/create_request.hpp"
#include "runtime/api/task_figures.hpp"
#include "runtime/api/task_json.hpp"

// Creating and reading single tasks and their steps.

namespace geartrain {

namespace {

/// Carries the task's correlation id in the header, as every answer about one task does.
http_response about_task(unsigned status, const task_context& task, std::string body) {
  auto response = json_response(status, std::move(body));
  response.headers.emplace_back("x-correlation-id", to_string(task.input->correlation_id));
  return response;
}

// -- POST /v1/tasks --------------------------------------------------------------

http_response created_response(const task_context& task, timestamp now) {
  json_writer out;
  write_task(out, task, now);
  auto response = about_task(201, task, out.take());
  response.headers.emplace_back("Location", "/v1/tasks/" + to_string(task.id));
  return response;
}

http_response duplicate_response(const task_id& existing) {
  json_writer details;
  details.begin_array().begin_object().field("task_uuid", existing).end_object().end_array();
  return api_error(409, "CONFLICT", "A task with this identity already exists", details.take());
}

void answer_creation(const api_ptr& api, const responder& reply, expected<create_task_result> result) {
  if (!result)
    return reply(error_of(result.error()));
  if (auto* duplicate = std::get_if<duplicate_task>(&*result))
    return reply(duplicate_response(duplicate->existing));
  if (auto* refused = std::get_if<context_refused>(&*result))
    return reply(
      problems_error(422, "INVALID_CONTEXT", "the context breaks the template's input_schema", refused->found));
  auto task = std::get<task_created>(*result).task;
  reply.later([task, now = api->now()] { return created_response(*task, now); });
}

void create_one(const api_ptr& api, const http_request& request, const responder& reply) {
  if (api->refused_while_draining(reply))
    return;
  auto ticket = api->admit(admission_kind::creation, 1, reply);
  if (!ticket)
    return;
  auto parsed = parse_create_task(request.body);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  completion<create_task_result> done{
    [api, reply, ticket](expected<create_task_result> result) { answer_creation(api, reply, std::move(result)); }};
  api->calls.create({std::move(std::get<create_task>(parsed)), std::move(done)});
}

// -- GET /v1/tasks/{task_uuid} and below -------------------------------------------

http_response unknown_task(const task_id& id) {
  return error_response(404, "NOT_FOUND", "Task not found: " + to_string(id));
}

/// The UUID in the path; without one the request has been answered.
std::optional<uuid> path_uuid(const http_request& request, std::string_view name, const responder& reply) {
  auto id = parse_uuid(request.param(name));
  if (!id)
    reply(error_response(400, "INVALID_UUID", "not a UUID: " + std::string{request.param(name).substr(0, 100)}));
  return id;
}

using show_task = std::function<http_response(const task_context& task, timestamp now)>;

/// Reads a task and answers with what `show` makes of it.
void read_one(const api_ptr& api, const task_id& id, const responder& reply, show_task show) {
  if (number_of(id) != 0) // the id of a step, or of something else
    return reply(unknown_task(id));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  completion<task_snapshot> done{[api, id, reply, ticket, show = std::move(show)](expected<task_snapshot> found) {
    if (!found)
      return reply(found.error().code == errc::not_found ? unknown_task(id) : error_of(found.error()));
    reply.later([task = *found, now = api->now(), show] { return show(*task, now); });
  }};
  api->calls.read({id, std::move(done)});
}

http_response show_whole(const task_context& task, timestamp now) {
  json_writer out;
  write_task(out, task, now);
  return about_task(200, task, out.take());
}

http_response show_steps(const task_context& task, timestamp now) {
  json_writer out;
  out.begin_array();
  for (auto number : shown_steps(task))
    write_step(out, task, number, now);
  return about_task(200, task, out.end_array().take());
}

http_response show_step(const task_context& task, const step_id& step, timestamp now) {
  auto number = number_of(step);
  if (task_of(step) != task.id || !is_shown(task, number))
    return error_response(404, "NOT_FOUND", "the task has no step " + to_string(step));
  json_writer out;
  write_step(out, task, number, now);
  return about_task(200, task, out.take());
}

void get_step(const api_ptr& api, const http_request& request, const responder& reply) {
  auto task = path_uuid(request, "task_uuid", reply);
  if (!task)
    return;
  auto step = path_uuid(request, "step_uuid", reply);
  if (!step)
    return;
  read_one(api, *task, reply,
           [step = *step](const task_context& found, timestamp now) { return show_step(found, step, now); });
}

http_handler reading(const api_ptr& api, show_task show) {
  return [api, show = std::move(show)](const http_request& request, const responder& reply) {
    if (auto id = path_uuid(request, "task_uuid", reply))
      read_one(api, *id, reply, show);
  };
}

} // namespace

void add_task_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  routes.add(
    "POST", "/v1/tasks", [api](const http_request& q, const responder& r) { create_one(api, q, r); }, body);
  routes.add("GET", "/v1/tasks/{task_uuid}", reading(api, show_whole));
  routes.add("GET", "/v1/tasks/{task_uuid}/workflow_steps", reading(api, show_steps));
  routes.add("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}",
             [api](const http_request& q, const responder& r) { get_step(api, q, r); });
}

} // namespace geartrain
