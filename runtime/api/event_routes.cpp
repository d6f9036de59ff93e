#include "runtime/api/api_ask.hpp"
#include "runtime/api/body_limits.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/query_reader.hpp"

#include <limits>

// GET /v1/events: the durable events of steps, in the order of their positions.

namespace geartrain {

namespace {

constexpr std::uint32_t default_limit = 100;
constexpr std::uint32_t max_limit = 1000;

http_response page_response(const read_events_reply& found, std::int64_t after) {
  json_writer out;
  out.begin_object().key("events").begin_array();
  for (const auto& one : found.events) {
    const auto& event = one.event;
    out.begin_object().field("position", one.position).field("name", event.name);
    out.field("namespace", one.namespace_name).field("task_uuid", one.task);
    out.field("step_uuid", make_step_id(one.task, event.number)).field("delivery_mode", to_string(event.delivery));
    out.field("published_at", event.at).field("payload", event.payload).end_object();
  }
  auto next = found.events.empty() ? after : found.events.back().position;
  return json_response(200, out.end_array().field("next_after", next).end_object().take());
}

void list(const api_ptr& api, const http_request& request, const responder& reply) {
  problems found;
  query_reader query{request, found};
  read_events_unit unit;
  unit.namespace_name = query.text("namespace", name_limits);
  unit.after = query.large_number("after", 0, 0, std::numeric_limits<std::int64_t>::max());
  unit.limit = query.number("limit", default_limit, 1, max_limit);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  ask_and_answer(api, reply, unit,
                 [after = unit.after](const read_events_reply& events) { return page_response(events, after); });
}

} // namespace

void add_event_route(router& routes, const api_ptr& api) {
  routes.add("GET", "/v1/events", [api](const http_request& q, const responder& r) { list(api, q, r); });
}

} // namespace geartrain
