#include "runtime/api/task_access.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/task_figures.hpp"
#include "runtime/api/task_json.hpp"

namespace geartrain {

http_response about_task(unsigned status, const task_context& task, std::string body) {
  auto response = json_response(status, std::move(body));
  response.headers.emplace_back("x-correlation-id", to_string(task.input->correlation_id));
  return response;
}

http_response task_response(const task_context& task, timestamp now) {
  json_writer out;
  write_task(out, task, now);
  return about_task(200, task, out.take());
}

http_response step_response(const task_context& task, const step_id& step, timestamp now) {
  if (task_of(step) != task.id || !is_shown(task, number_of(step)))
    return unknown_step(step);
  json_writer out;
  write_step(out, task, number_of(step), now);
  return about_task(200, task, out.take());
}

http_response unknown_task(const task_id& id) {
  return error_response(404, "NOT_FOUND", "Task not found: " + to_string(id));
}

http_response unknown_step(const step_id& id) {
  return error_response(404, "NOT_FOUND", "the task has no step " + to_string(id));
}

std::optional<uuid> path_uuid(const http_request& request, std::string_view name, const responder& reply) {
  auto id = parse_uuid(request.param(name));
  if (!id)
    reply(error_response(400, "INVALID_UUID", "not a UUID: " + std::string{request.param(name).substr(0, 100)}));
  return id;
}

std::optional<step_path> path_step(const http_request& request, const responder& reply) {
  auto task = path_uuid(request, "task_uuid", reply);
  if (!task)
    return std::nullopt;
  auto step = path_uuid(request, "step_uuid", reply);
  if (!step)
    return std::nullopt;
  return step_path{*task, *step};
}

void read_task(const api_ptr& api, const task_id& id, const responder& reply,
               std::function<void(task_snapshot, admission_ticket)> go_on) {
  if (number_of(id) != 0) // the id of a step, or of something else
    return reply(unknown_task(id));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  completion<task_snapshot> done{[id, reply, ticket, go_on = std::move(go_on)](expected<task_snapshot> found) {
    if (!found)
      return reply(found.error().code == errc::not_found ? unknown_task(id) : error_of(found.error()));
    go_on(std::move(*found), ticket);
  }};
  api->calls.read({id, std::move(done)});
}

void show_one(const api_ptr& api, const task_id& id, const responder& reply, show_task show) {
  read_task(api, id, reply, [api, reply, show = std::move(show)](task_snapshot task, const admission_ticket&) {
    reply.later([task = std::move(task), now = api->now(), show] { return show(*task, now); });
  });
}

void await_one(const api_ptr& api, const task_id& id, milliseconds wait, const responder& reply, show_task show) {
  if (number_of(id) != 0)
    return reply(unknown_task(id));
  auto ticket = api->draining() ? nullptr : api->context.gate->enter(admission_kind::wait);
  if (!ticket)
    return show_one(api, id, reply, std::move(show));
  auto wait_id = api->last_wait.fetch_add(1, std::memory_order_relaxed) + 1;
  completion<task_snapshot> done{[api, id, reply, ticket, show = std::move(show)](expected<task_snapshot> found) {
    if (!found)
      return reply(found.error().code == errc::not_found ? unknown_task(id) : error_of(found.error()));
    reply.later([task = std::move(*found), now = api->now(), show] { return show(*task, now); });
  }};
  api->calls.await({id, wait_id, wait, std::move(done)});
  // After the request itself, so that the owner knows it when it is cancelled.
  reply.on_disconnect([api, id, wait_id] { api->calls.cancel_wait({id, wait_id}); });
}

void act_on_task(const api_ptr& api, const task_id& id, operator_act act, const responder& reply, show_task show) {
  if (number_of(id) != 0)
    return reply(unknown_task(id));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  act_request asked{id, std::move(act), {}};
  asked.done = completion<task_snapshot>{[api, reply, ticket, show = std::move(show)](expected<task_snapshot> after) {
    if (!after)
      return reply(error_of(after.error()));
    reply.later([task = std::move(*after), now = api->now(), show] { return show(*task, now); });
  }};
  api->calls.act(std::move(asked));
}

} // namespace geartrain
