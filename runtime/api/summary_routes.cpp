#include "runtime/api/api_ask.hpp"
#include "runtime/api/summary_json.hpp"
#include "runtime/api/task_access.hpp"

namespace geartrain {

namespace {

void get_summary(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "task_uuid", reply);
  if (!id)
    return;
  read_task(api, *id, reply, [api, reply](const task_snapshot& task, const admission_ticket& ticket) {
    list_dead_letters_unit cases;
    cases.task = task->id;
    ask_then(api, reply, std::move(cases), [api, reply, ticket, task](const list_dead_letters_reply& found) {
      reply.later([found, task, now = api->now()] {
        json_writer out;
        write_summary(out, *task, found, now);
        return about_task(200, *task, out.take());
      });
    });
  });
}

} // namespace

void add_summary_route(router& routes, const api_ptr& api) {
  routes.add("GET", "/v1/tasks/{task_uuid}/summary",
             [api](const http_request& q, const responder& r) { get_summary(api, q, r); });
}

} // namespace geartrain
