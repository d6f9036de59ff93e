#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/create_request.hpp"
#include "runtime/api/creation_errors.hpp"
#include "runtime/api/query_reader.hpp"
#include "runtime/api/task_access.hpp"
#include "runtime/api/task_figures.hpp"
#include "runtime/api/task_json.hpp"
#include "runtime/api/worker_limits.hpp"

// Creating and reading single tasks and their steps.

namespace geartrain {

namespace {

// -- POST /v1/tasks --------------------------------------------------------------

http_response created_response(const task_context& task, timestamp now) {
  json_writer out;
  write_task(out, task, now);
  auto response = about_task(201, task, out.take());
  response.headers.emplace_back("Location", "/v1/tasks/" + to_string(task.id));
  return response;
}

void answer_creation(const api_ptr& api, const responder& reply, expected<create_task_result> result) {
  if (!result)
    return reply(error_of(result.error()));
  if (auto* duplicate = std::get_if<duplicate_task>(&*result))
    return reply(duplicate_error(duplicate->existing));
  if (auto* refused = std::get_if<context_refused>(&*result))
    return reply(context_error(refused->found));
  auto task = std::get<task_created>(*result).task;
  reply.later([task, now = api->now()] { return created_response(*task, now); });
}

void create_one(const api_ptr& api, const http_request& request, const responder& reply) {
  if (api->refused_creation(reply))
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

http_response show_steps(const task_context& task, timestamp now) {
  json_writer out;
  out.begin_array();
  for (auto number : shown_steps(task))
    write_step(out, task, number, now);
  return about_task(200, task, out.end_array().take());
}

/// Nothing but the context, exactly as it was given.
http_response show_context(const task_context& task, timestamp) {
  return about_task(200, task, std::string{task.input->context.view_or("{}")});
}

void get_step(const api_ptr& api, const http_request& request, const responder& reply) {
  if (auto path = path_step(request, reply))
    show_one(api, path->task, reply,
             [step = path->step](const task_context& found, timestamp now) { return step_response(found, step, now); });
}

void get_task(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "task_uuid", reply);
  if (!id)
    return;
  problems found;
  query_reader query{request, found};
  milliseconds wait{query.number("wait_ms", 0, 0, std::uint32_t{max_wait_ms})};
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  if (wait.count() == 0)
    return show_one(api, *id, reply, task_response);
  await_one(api, *id, wait, reply, task_response);
}

http_handler reading(const api_ptr& api, show_task show) {
  return [api, show = std::move(show)](const http_request& request, const responder& reply) {
    if (auto id = path_uuid(request, "task_uuid", reply))
      show_one(api, *id, reply, show);
  };
}

} // namespace

void add_task_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  routes.add(
    "POST", "/v1/tasks", [api](const http_request& q, const responder& r) { create_one(api, q, r); }, body);
  routes.add("GET", "/v1/tasks/{task_uuid}", [api](const http_request& q, const responder& r) { get_task(api, q, r); });
  routes.add("GET", "/v1/tasks/{task_uuid}/context", reading(api, show_context));
  routes.add("GET", "/v1/tasks/{task_uuid}/workflow_steps", reading(api, show_steps));
  routes.add("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}",
             [api](const http_request& q, const responder& r) { get_step(api, q, r); });
}

} // namespace geartrain
