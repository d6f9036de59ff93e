#include "actors/directory.hpp"
#include "runtime/api/api_ask.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/object_reader.hpp"

#include <algorithm>
#include <unordered_map>

// Who is in the cluster and who owns what, as this node knows it since its last beat.

namespace geartrain {

namespace {

constexpr std::size_t longest_name = 255;

std::string_view state_of(const member& one) {
  if (!one.alive)
    return "gone";
  return one.draining ? "draining" : "active";
}

std::string_view link_to(const cluster_map& map, const node_id& id) {
  if (map.self() == id)
    return "self";
  return map.is_linked(id) ? "up" : "down";
}

http_response view_response(const cluster_map& map, const cluster_view& view) {
  std::unordered_map<node_id, std::uint64_t> owned;
  for (const auto& lease : view.partitions)
    ++owned[lease.owner];
  auto self = map.self().value_or(node_id{});
  auto own = std::find_if(view.members.begin(), view.members.end(), [&](const member& m) { return m.id == self; });
  json_writer out;
  out.begin_object().key("node").begin_object().field("id", to_string(self));
  out.field("name", own == view.members.end() ? std::string_view{} : std::string_view{own->name}).end_object();
  out.key("nodes").begin_array();
  for (const auto& one : view.members) {
    out.begin_object().field("id", to_string(one.id)).field("name", one.name).field("address", one.address);
    out.field("url", one.url).field("state", state_of(one)).field("partitions", owned[one.id]);
    out.field("silent_for_ms", one.silent_for.count()).field("link", link_to(map, one.id));
    out.field("joined_at", one.joined_at).end_object();
  }
  out.end_array().key("partitions").begin_object().field("total", std::uint64_t{partition_count});
  out.field("owned_here", std::uint64_t{map.partitions_served()}).field("unowned", owned[node_id{}]).end_object();
  return json_response(200, out.end_object().take());
}

http_response no_cluster() {
  return error_response(404, "NOT_FOUND", "this node is not one of a cluster: cluster.enabled is off");
}

void show_cluster(const api_ptr& api, const responder& reply) {
  auto membership = api->context.actors->membership();
  if (!membership)
    return reply(no_cluster());
  completion<cluster_view> shown{[api, reply](const expected<cluster_view>& view) {
    reply(view ? view_response(api->context.actors->cluster(), *view) : error_of(view.error()));
  }};
  caf::anon_send(membership, read_members{std::move(shown)});
}

/// All nodes look at the members now instead of at their next beat.
void beat_everywhere(const directory& actors) {
  if (auto membership = actors.membership())
    caf::anon_send(membership, beat_now{});
  for (auto& peer : actors.cluster().peers())
    caf::anon_send(peer, nudge_peer{false, false, true, {}});
}

http_response accepted(std::uint64_t nodes) {
  json_writer out;
  return json_response(202, out.begin_object().field("nodes", nodes).end_object().take());
}

void ask_drain(const api_ptr& api, bool drain, const http_request& request, const responder& reply) {
  if (!api->context.actors->membership())
    return reply(no_cluster());
  auto parsed = parse_body(request.body, 8);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  auto name = body.text("node", {1, longest_name}, presence::required);
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  completion<unit_done> asked{[api, reply, ticket, name = *name](const expected<unit_done>& done) {
    if (!done)
      return reply(error_of(done.error()));
    if (done->rows == 0)
      return reply(error_response(404, "NOT_FOUND", "no living node has the name or id \"" + name + "\""));
    beat_everywhere(*api->context.actors);
    reply(accepted(done->rows));
  }};
  api->calls.ask(ask_drain_unit{*name, drain}, api->context.read_deadline, std::move(asked));
}

void rebalance(const api_ptr& api, const responder& reply) {
  if (!api->context.actors->membership())
    return reply(no_cluster());
  beat_everywhere(*api->context.actors);
  reply(accepted(1 + api->context.actors->cluster().peers().size()));
}

} // namespace

void add_cluster_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  routes.add("GET", "/v1/cluster", [api](const http_request&, const responder& reply) { show_cluster(api, reply); });
  routes.add(
    "POST", "/v1/cluster/drain", [api](const http_request& q, const responder& r) { ask_drain(api, true, q, r); },
    body);
  routes.add(
    "POST", "/v1/cluster/undrain", [api](const http_request& q, const responder& r) { ask_drain(api, false, q, r); },
    body);
  routes.add(
    "POST", "/v1/cluster/rebalance", [api](const http_request&, const responder& r) { rebalance(api, r); }, body);
}

} // namespace geartrain
