#include "actors/template_catalog.hpp"
#include "runtime/api/act_body.hpp"
#include "runtime/api/api_ask.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/query_reader.hpp"

// Pauses of whole namespaces and templates. Those of single tasks are in act_routes.cpp.

namespace geartrain {

namespace {

/// Whether the catalog has the template in any version, or any template of the namespace.
bool is_known(const template_catalog& catalog, const std::string& namespace_name, const std::string& template_name) {
  if (template_name.empty())
    return !catalog.list(namespace_name).empty();
  return catalog.find(namespace_name, template_name, std::nullopt).has_value();
}

void write_target(json_writer& out, const pause_row& pause) {
  out.field("namespace", pause.namespace_name).key("template");
  if (pause.template_name.empty())
    out.null();
  else
    out.value(pause.template_name);
}

http_response changed_response(const set_pause_unit& asked, bool changed) {
  json_writer out;
  out.begin_object();
  write_target(out, asked.pause);
  out.field("paused", asked.paused).field("changed", changed);
  return json_response(200, out.end_object().take());
}

void change(const api_ptr& api, bool paused, const http_request& request, const responder& reply) {
  set_pause_unit unit;
  unit.paused = paused;
  unit.pause.namespace_name = request.param("namespace");
  unit.pause.template_name = request.param("name");
  // A pause may outlive the last of its templates; taking it back must still be possible.
  bool readable = is_plain_text(unit.pause.namespace_name) && is_plain_text(unit.pause.template_name);
  if (!readable || (paused && !is_known(*api->context.catalog, unit.pause.namespace_name, unit.pause.template_name)))
    return reply(error_response(404, "NOT_FOUND",
                                unit.pause.template_name.empty() ? "no template is registered in this namespace"
                                                                 : "no such template is registered"));
  auto parsed = parse_note(request);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  unit.pause.who = std::move(std::get<operator_note>(parsed).who);
  unit.pause.reason = std::move(std::get<operator_note>(parsed).reason);
  unit.pause.since = api->now();
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  api->calls.set_pause(unit, api->context.read_deadline,
                       completion<unit_done>{[reply, ticket, unit](const expected<unit_done>& done) {
                         reply(done ? changed_response(unit, done->rows > 0) : error_of(done.error()));
                       }});
}

http_response pauses_response(const read_pauses_reply& found) {
  json_writer out;
  out.begin_object().key("pauses").begin_array();
  for (const auto& pause : found.rows) {
    out.begin_object();
    write_target(out, pause);
    out.field("paused_at", pause.since).field("paused_by", pause.who).field("reason", pause.reason).end_object();
  }
  return json_response(200, out.end_array().end_object().take());
}

} // namespace

void add_pause_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  auto add = [&](const char* path, bool paused) {
    routes.add(
      "POST", path, [api, paused](const http_request& q, const responder& r) { change(api, paused, q, r); }, body);
  };
  add("/v1/namespaces/{namespace}/pause", true);
  add("/v1/namespaces/{namespace}/resume", false);
  add("/v1/templates/{namespace}/{name}/pause", true);
  add("/v1/templates/{namespace}/{name}/resume", false);
  routes.add("GET", "/v1/pauses", [api](const http_request&, const responder& reply) {
    ask_and_answer(api, reply, read_pauses_unit{}, pauses_response);
  });
}

} // namespace geartrain
