#include "runtime/api/api_ask.hpp"
#include "runtime/api/body_limits.hpp"
#include "runtime/api/dlq_json.hpp"
#include "runtime/api/query_reader.hpp"
#include "runtime/api/task_access.hpp"

// Reading the cases of the dead-letter queue, and recording how their investigation goes. What changes tasks is in
// dlq_acts.cpp.

namespace geartrain {

namespace {

constexpr std::uint32_t max_limit = 1000;
constexpr std::uint32_t max_offset = 10'000'000;

void list(const api_ptr& api, const http_request& request, const responder& reply) {
  problems found;
  query_reader query{request, found};
  list_dead_letters_unit unit;
  if (auto status = query.text("resolution_status")) {
    unit.status = parse_resolution_status(*status);
    if (!unit.status)
      query.wrong("resolution_status",
                  "must be pending, manually_resolved, permanently_failed or cancelled, not " + *status);
  }
  unit.limit = query.number("limit", 50, 1, max_limit);
  unit.offset = query.number("offset", 0, 0, max_offset);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  ask_and_answer(api, reply, std::move(unit),
                 [](const list_dead_letters_reply& cases) { return json_response(200, cases_json(cases)); });
}

void get_of_task(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "task_uuid", reply);
  if (!id)
    return;
  list_dead_letters_unit unit;
  unit.task = *id;
  unit.limit = 1;
  ask_and_answer(api, reply, std::move(unit), [id = *id](const list_dead_letters_reply& found) {
    if (found.rows.empty())
      return error_response(404, "NOT_FOUND", "the dead-letter queue has no entry of task " + to_string(id));
    json_writer out;
    write_case(out, found.rows.front());
    return json_response(200, out.take());
  });
}

std::variant<update_dead_letter_unit, http_response> parse_update(std::string_view text) {
  auto parsed = parse_body(text, max_stored_depth + 1);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return std::move(*refused);
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  update_dead_letter_unit unit;
  if (auto status = body.text("resolution_status", name_limits)) {
    unit.status = parse_resolution_status(*status);
    if (!unit.status)
      body.wrong("resolution_status",
                 "must be pending, manually_resolved, permanently_failed or cancelled, not " + *status);
  }
  unit.notes = body.text("resolution_notes", notes_limits);
  unit.resolved_by = body.text("resolved_by", {0, name_limits.max});
  auto metadata = body.any("metadata");
  if (metadata && !metadata->is_null() && body.object("metadata"))
    unit.metadata = json_text{std::string{metadata->text()}};
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  return unit;
}

void update(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "dlq_entry_uuid", reply);
  if (!id)
    return;
  auto parsed = parse_update(request.body);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto& unit = std::get<update_dead_letter_unit>(parsed);
  unit.id = *id;
  unit.now = api->now();
  ask_and_answer(api, reply, std::move(unit), [id = *id](const unit_done&) {
    json_writer out;
    out.begin_object().field("success", true).field("message", "the entry was updated").field("dlq_entry_uuid", id);
    return json_response(200, out.end_object().take());
  });
}

/// A list with nothing but a limit.
std::optional<std::uint32_t> limit_of(const http_request& request, const responder& reply) {
  problems found;
  auto limit = query_reader{request, found}.number("limit", 100, 1, max_limit);
  if (found.empty())
    return limit;
  reply(problems_error(400, "BAD_REQUEST", "", found));
  return std::nullopt;
}

} // namespace

void add_dlq_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  routes.add("GET", "/v1/dlq", [api](const http_request& q, const responder& r) { list(api, q, r); });
  routes.add("GET", "/v1/dlq/task/{task_uuid}",
             [api](const http_request& q, const responder& r) { get_of_task(api, q, r); });
  routes.add(
    "PATCH", "/v1/dlq/entry/{dlq_entry_uuid}", [api](const http_request& q, const responder& r) { update(api, q, r); },
    body);
  routes.add("GET", "/v1/dlq/stats", [api](const http_request&, const responder& reply) {
    ask_and_answer(api, reply, dead_letter_stats_unit{api->now()},
                   [](const dead_letter_stats_reply& found) { return json_response(200, case_stats_json(found)); });
  });
  routes.add("GET", "/v1/dlq/investigation-queue", [api](const http_request& request, const responder& reply) {
    if (auto limit = limit_of(request, reply))
      ask_and_answer(
        api, reply, investigation_queue_unit{api->now(), *limit},
        [](const investigation_queue_reply& found) { return json_response(200, investigation_queue_json(found)); });
  });
  routes.add("GET", "/v1/dlq/staleness", [api](const http_request& request, const responder& reply) {
    if (auto limit = limit_of(request, reply))
      ask_and_answer(api, reply, staleness_unit{api->now(), *limit}, [now = api->now()](const staleness_reply& found) {
        return json_response(200, staleness_json(found, now));
      });
  });
}

} // namespace geartrain
