#include "db/metrics.hpp"
#include "runtime/api/analytics_json.hpp"
#include "runtime/api/api_ask.hpp"
#include "runtime/api/query_reader.hpp"

#include <algorithm>
#include <chrono>

// How tasks and steps have been doing.

namespace geartrain {

namespace {

constexpr std::uint32_t max_hours = 24 * 366;
constexpr std::uint32_t default_hours = 24;
constexpr std::uint32_t max_limit = 100;

std::chrono::hours window_of(std::uint32_t hours) {
  return std::chrono::hours{std::max(hours, 1u)}; // 0 stands for the last hour
}

void performance(const api_ptr& api, const http_request& request, const responder& reply) {
  problems found;
  query_reader query{request, found};
  auto hours = window_of(query.number("hours", default_hours, 0, max_hours));
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  performance_unit unit{api->now() - hours, api->now()};
  ask_and_answer(api, reply, unit, [unit](const performance_reply& figures) {
    return json_response(200, performance_json(figures, unit));
  });
}

/// The share of the database's queue that is taken, 0 to 1.
double queue_use(const api_context& context) {
  if (!context.db || context.max_queued_units == 0)
    return 0;
  auto queued = static_cast<double>(std::max<std::int64_t>(0, context.db->figures().queued));
  return std::min(1.0, queued / static_cast<double>(context.max_queued_units));
}

void bottlenecks(const api_ptr& api, const http_request& request, const responder& reply) {
  problems found;
  query_reader query{request, found};
  bottlenecks_unit unit;
  unit.since = api->now() - window_of(query.number("hours", default_hours, 0, max_hours));
  unit.limit = query.number("limit", 10, 1, max_limit);
  unit.min_executions = query.number("min_executions", 5, 1, 1'000'000);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  ask_and_answer(api, reply, unit, [api](const bottlenecks_reply& items) {
    return json_response(200, bottlenecks_json(items, queue_use(api->context)));
  });
}

} // namespace

void add_analytics_routes(router& routes, const api_ptr& api) {
  routes.add("GET", "/v1/analytics/performance",
             [api](const http_request& q, const responder& r) { performance(api, q, r); });
  routes.add("GET", "/v1/analytics/bottlenecks",
             [api](const http_request& q, const responder& r) { bottlenecks(api, q, r); });
}

} // namespace geartrain
