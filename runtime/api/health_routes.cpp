#include "db/metrics.hpp"
#include "messages/probe.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/json_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

// Health. /health/ready looks at counters only, so that frequent probes cost the database nothing; /health/detailed makes
// one round trip to it.

namespace geartrain {

namespace {

constexpr milliseconds ping_patience{2000};
constexpr milliseconds no_time{0};

enum class condition : std::uint8_t { healthy, degraded, unhealthy };

struct check {
  std::string_view name;
  condition is = condition::healthy;
  std::string message;
  milliseconds duration{0};
};

using checks = std::vector<check>;

std::string_view to_string(condition is) {
  switch (is) {
    case condition::healthy:
      return "healthy";
    case condition::degraded:
      return "degraded";
    case condition::unhealthy:
      break;
  }
  return "unhealthy";
}

bool all_healthy(const checks& made) {
  return std::all_of(made.begin(), made.end(), [](const check& one) { return one.is == condition::healthy; });
}

condition healthy_if(bool good) {
  return good ? condition::healthy : condition::unhealthy;
}

/// How full something with a bound may be.
struct tiers {
  double degraded = 0;
  double unhealthy = 0;
};

constexpr tiers percent_of_pool{80, 95};
constexpr tiers percent_of_credit{80, 95};
constexpr tiers waiting_messages{5000, 10000};

condition within(double value, const tiers& limits) {
  if (value > limits.unhealthy)
    return condition::unhealthy;
  return value > limits.degraded ? condition::degraded : condition::healthy;
}

double percent(double part, double whole) {
  return whole <= 0 ? 0 : std::round(1000 * part / whole) / 10;
}

std::string with_percent(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", value);
  return text.data();
}

check check_engine(const api_state& api) {
  if (api.draining())
    return {"engine", condition::unhealthy, "going down", no_time};
  bool ready = !api.context.ready || api.context.ready();
  return {"engine", healthy_if(ready), ready ? "running" : "starting", no_time};
}

check check_connections(const api_state& api) {
  if (!api.context.db)
    return {"database", condition::healthy, "no figures", no_time};
  auto up = api.context.db->connections_up.load(std::memory_order_relaxed);
  return {"database", healthy_if(up > 0), std::to_string(up) + " connections up", no_time};
}

check check_admission(const api_state& api) {
  auto& gate = *api.context.gate;
  for (std::size_t i = 0; i < admission_kind_count; ++i) {
    auto kind = static_cast<admission_kind>(i);
    if (kind != admission_kind::wait &&
        gate.in_flight(kind) >= gate.limit(kind)) // without it reads are answered at once
      return {"admission", condition::unhealthy, "no credit left for " + std::string{to_string(kind)}, no_time};
  }
  return {"admission", condition::healthy, "credit left", no_time};
}

// -- how full the node is ------------------------------------------------------------

/// The database's queue: connections are shared by all who wait, so it is what can be used up.
double pool_percent(const api_context& context) {
  if (!context.db)
    return 0;
  auto queued = context.db->queued.load(std::memory_order_relaxed);
  return percent(static_cast<double>(std::max<std::int64_t>(queued, 0)), static_cast<double>(context.max_queued_units));
}

check check_pool(const api_state& api) {
  auto used = pool_percent(api.context);
  return {"pool_utilization", within(used, percent_of_pool), with_percent(used) + " of the database's queue is taken",
          no_time};
}

std::int64_t mailbox_depth() {
  std::int64_t depth = 0;
  for (const auto& figures : probe_set::instance().figures())
    depth += figures.depth;
  return depth;
}

check check_queue_depth() {
  auto depth = mailbox_depth();
  return {"queue_depth", within(static_cast<double>(depth), waiting_messages),
          std::to_string(depth) + " messages wait for their actors", no_time};
}

/// The kind of request that has the least credit left.
check check_saturation(const api_state& api) {
  auto& gate = *api.context.gate;
  double fullest = 0;
  auto which = admission_kind::creation;
  for (std::size_t i = 0; i < admission_kind_count; ++i) {
    auto kind = static_cast<admission_kind>(i);
    auto used = percent(gate.in_flight(kind), gate.limit(kind));
    if (kind == admission_kind::wait || used <= fullest)
      continue;
    fullest = used;
    which = kind;
  }
  return {"channel_saturation", within(fullest, percent_of_credit),
          with_percent(fullest) + " of the credit for " + std::string{to_string(which)} + " is taken", no_time};
}

void write_check(json_writer& out, const check& one) {
  out.field("status", to_string(one.is)).field("message", one.message);
  out.field("duration_ms", one.duration.count());
}

/// What has become of the units of work that this node gave to its database connections.
void write_pool(json_writer& out, const api_context& context) {
  auto figures = context.db->figures();
  std::uint64_t units = 0;
  std::uint64_t waits = 0;
  std::int64_t waited_us = 0;
  for (const auto& one : figures.operations) {
    units += one.units;
    waits += one.queue_wait_us.count;
    waited_us += one.queue_wait_us.sum;
  }
  out.begin_object().field("active_connections", figures.connections_up);
  out.field("max_connections", context.database_connections).field("in_flight_units", figures.in_flight);
  out.field("queued_units", figures.queued).field("max_queued_units", context.max_queued_units);
  out.field("utilization_percent", pool_percent(context)).field("total_acquires", units);
  out.field("acquire_errors", figures.rejected);
  out.field("average_acquire_time_ms",
            waits == 0 ? 0.0 : static_cast<double>(waited_us) / 1000 / static_cast<double>(waits));
  out.end_object();
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
  out.field("operational_state", api.draining()                     ? "GracefulShutdown"
                                 : all_healthy({check_engine(api)}) ? "Normal"
                                                                    : "Startup");
  if (api.context.db) {
    out.field("database_connections", api.context.db->connections_up.load(std::memory_order_relaxed));
    out.key("pool_utilization").begin_object().key("database");
    write_pool(out, api.context);
    out.end_object();
  }
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

void ready(const api_ptr& api, const responder& reply) {
  checks made{check_engine(*api), check_connections(*api)};
  reply(all_healthy(made) ? healthy_response(*api, "ready", made) : not_ready_response(*api, made));
}

void detailed(const api_ptr& api, const responder& reply) {
  auto begin = std::chrono::steady_clock::now();
  api->calls.ask(ping_unit{}, ping_patience,
                 completion<unit_done>{[api, reply, begin](const expected<unit_done>& answer) {
                   auto spent = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
                   check database{"database", healthy_if(static_cast<bool>(answer)),
                                  answer ? "answers" : answer.error().message, spent};
                   checks made{check_engine(*api), std::move(database), check_admission(*api),
                               check_pool(*api),   check_queue_depth(), check_saturation(*api)};
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
