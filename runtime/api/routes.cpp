#include "runtime/api/routes.hpp"

#include "actors/engine.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"

#include <chrono>

namespace geartrain {

namespace {

api_context complete(api_context context) {
  if (!context.gate)
    context.gate = std::make_shared<admission>();
  if (!context.now)
    context.now = [] {
      return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    };
  return context;
}

} // namespace

api_state::api_state(api_context c) : context(complete(std::move(c))), calls(context.actors) {}

admission_ticket api_state::admit(admission_kind kind, std::uint32_t amount, const responder& reply) const {
  auto ticket = context.gate->enter(kind, amount);
  if (!ticket)
    reply(busy_error("BACKPRESSURE", "too many requests of this kind are in flight"));
  return ticket;
}

bool api_state::refused_while_draining(const responder& reply) const {
  if (!draining())
    return false;
  reply(busy_error("SERVICE_UNAVAILABLE", "the node is going down; use another one or try again"));
  return true;
}

bool api_state::refused_creation(const responder& reply) const {
  if (refused_while_draining(reply))
    return true;
  if (!context.refuses_when_full || !context.turns || context.turns->shards_full.load(std::memory_order_relaxed) == 0)
    return false;
  reply(busy_error("BACKPRESSURE", "as many tasks are open as fit into memory; try again when some have ended"));
  return true;
}

http_response json_response(unsigned status, std::string body) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

void add_routes(router& routes, api_context context) {
  routes.allow_origins(context.cors_origins);
  auto api = std::make_shared<const api_state>(std::move(context));
  add_task_routes(routes, api);
  add_bulk_route(routes, api);
  add_task_list_route(routes, api);
  add_act_routes(routes, api);
  add_audit_route(routes, api);
  add_summary_route(routes, api);
  add_pause_routes(routes, api);
  add_dlq_routes(routes, api);
  add_dlq_acts(routes, api);
  add_analytics_routes(routes, api);
  add_event_route(routes, api);
  add_template_routes(routes, api);
  add_worker_routes(routes, api);
  add_health_routes(routes, api);
  add_cluster_routes(routes, api);
  add_telemetry_routes(routes, api);
}

} // namespace geartrain
