#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/heartbeat_call.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/poll_call.hpp"
#include "runtime/api/report_batch.hpp"
#include "runtime/api/worker_limits.hpp"

// What workers call. Polls are in poll_call.cpp, heartbeats in heartbeat_call.cpp.

namespace geartrain {

namespace {

// -- POST /v1/workers/results ------------------------------------------------------

void report(const api_ptr& api, const http_request& request, const responder& reply) {
  auto parsed = parse_body(request.body, max_worker_body_depth);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  auto worker = body.text("worker_id", worker_id_limits, presence::required);
  auto items = body.array("results", max_items, presence::required);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  auto batch = std::make_shared<report_batch>(api, *items, *worker);
  batch->apply([batch = batch, reply](const std::optional<failure>& failed) {
    if (failed)
      return reply(error_of(*failed));
    reply.later([batch] {
      json_writer out;
      out.begin_object();
      batch->write(out);
      return json_response(200, out.end_object().take());
    });
  });
}

} // namespace

void add_worker_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_worker_body_bytes;
  auto add = [&](const char* path, auto handle) {
    routes.add(
      "POST", path, [api, handle](const http_request& q, const responder& r) { handle(api, q, r); }, body);
  };
  add("/v1/workers/poll", poll_for_steps);
  add("/v1/workers/results", report);
  add("/v1/workers/heartbeat", extend_leases);
}

} // namespace geartrain
