#include "db/metrics.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/json_writer.hpp"

#include <chrono>
#include <string_view>
#include <vector>

// Health. /health/ready looks at counters only, so that frequent probes cost the database nothing; /health/detailed makes
// one round trip to it.

namespace geartrain {

namespace {

constexpr milliseconds ping_patience{2000};
constexpr milliseconds no_time{0};

struct check {
  std::string_view name;
  bool healthy = true;
  std::string message;
  milliseconds duration{0};
};

using checks = std::vector<check>;

check check_engine(const api_state& api) {
  if (api.draining())
    return {"engine", false, "going down", no_time};
  bool ready = !api.context.ready || api.context.ready();
  return {"engine", ready, ready ? "running" : "starting", no_time};
}

check check_connections(const api_state& api) {
  if (!api.context.db)
    return {"database", true, "no figures", no_time};
  auto up = api.context.db->connections_up.load(std::memory_order_relaxed);
  return {"database", up > 0, std::to_string(up) + " connections up", no_time};
}

check check_admission(const api_state& api) {
  auto& gate = *api.context.gate;
  for (std::size_t i = 0; i < admission_kind_count; ++i) {
    auto kind = static_cast<admission_kind>(i);
    if (kind != admission_kind::wait &&
        gate.in_flight(kind) >= gate.limit(kind)) // without it reads are answered at once
      return {"admission", false, "no credit left for " + std::string{to_string(kind)}, no_time};
  }
  return {"admission", true, "credit left", no_time};
}

void write_check(json_writer& out, const check& one) {
  out.field("status", one.healthy ? "healthy" : "unhealthy").field("message", one.message);
  out.field("duration_ms", one.duration.count());
}

/// "status", "timestamp", "checks" and "info", into an open object.
void write_health(json_writer& out, const api_state& api, std::string_view status, const checks& made) {
  out.field("status", status).field("timestamp", api.now()).key("checks").begin_object();
  for (const auto& one : made) {
    out.key(one.name).begin_object();
    write_check(out, one);
    out.end_object();
  }
  out.end_object().key("info").begin_object().field("version", api.context.version);
  out.field("environment", api.context.environment);
  out.field("operational_state", api.draining()              ? "GracefulShutdown"
                                 : check_engine(api).healthy ? "Normal"
                                                             : "Startup");
  if (api.context.db)
    out.field("database_connections", api.context.db->connections_up.load(std::memory_order_relaxed));
  out.end_object();
}

http_response healthy_response(const api_state& api, std::string_view status, const checks& made) {
  json_writer out;
  out.begin_object();
  write_health(out, api, status, made);
  return json_response(200, out.end_object().take());
}

/// An error body that also has all that a ready node would show.
http_response not_ready_response(const api_state& api, const checks& made) {
  json_writer out;
  out.begin_object().key("error").begin_object().field("code", "SERVICE_UNAVAILABLE");
  out.field("message", "the node is not ready").key("details").begin_array();
  for (const auto& one : made) {
    out.begin_object().field("name", one.name);
    write_check(out, one);
    out.end_object();
  }
  out.end_array().end_object();
  write_health(out, api, "not_ready", made);
  auto response = json_response(503, out.end_object().take());
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

http_response simple_response(const api_state& api, std::string_view status) {
  json_writer out;
  out.begin_object().field("status", status).field("timestamp", api.now());
  return json_response(200, out.end_object().take());
}

bool all_healthy(const checks& made) {
  for (const auto& one : made)
    if (!one.healthy)
      return false;
  return true;
}

void ready(const api_ptr& api, const responder& reply) {
  checks made{check_engine(*api), check_connections(*api)};
  reply(all_healthy(made) ? healthy_response(*api, "ready", made) : not_ready_response(*api, made));
}

void detailed(const api_ptr& api, const responder& reply) {
  auto begin = std::chrono::steady_clock::now();
  api->calls.ask(
    ping_unit{}, ping_patience, completion<unit_done>{[api, reply, begin](const expected<unit_done>& answer) {
      auto spent = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
      check database{"database", static_cast<bool>(answer), answer ? "answers" : answer.error().message, spent};
      checks made{check_engine(*api), std::move(database), check_admission(*api)};
      reply(healthy_response(*api, all_healthy(made) ? "healthy" : "degraded", made));
    }});
}

} // namespace

void add_health_routes(router& routes, const api_ptr& api) {
  routes.add("GET", "/health",
             [api](const http_request&, const responder& reply) { reply(simple_response(*api, "healthy")); });
  routes.add("GET", "/health/live",
             [api](const http_request&, const responder& reply) { reply(simple_response(*api, "alive")); });
  routes.add("GET", "/health/ready", [api](const http_request&, const responder& reply) { ready(api, reply); });
  routes.add("GET", "/health/detailed", [api](const http_request&, const responder& reply) { detailed(api, reply); });
}

} // namespace geartrain
