#include "actors/engine.hpp"
#include "db/metrics.hpp"
#include "messages/probe.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/cluster_figures.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/metric_families.hpp"

#include <prometheus/text_serializer.h>

#include <sstream>

// What the node tells about itself.

namespace geartrain {

namespace {

/// "buckets":[{"le":…,"count":…},…,{"le":null,"count":…}]; counts per bucket, not summed up.
template <class Bounds, class Counts>
void write_buckets(json_writer& out, const Bounds& bounds, const Counts& counts) {
  out.key("buckets").begin_array();
  std::size_t i = 0;
  for (const auto& count : counts) {
    out.begin_object().key("le");
    if (i < bounds.size())
      out.value(bounds[i]);
    else
      out.null();
    out.field("count", count).end_object();
    ++i;
  }
  out.end_array();
}

void write_histogram(json_writer& out, std::string_view name, const histogram_figures& figures) {
  out.key(name).begin_object().field("count", figures.count).field("sum", figures.sum);
  write_buckets(out, figures.bounds, figures.counts);
  out.end_object();
}

// -- GET /v1/telemetry/actors --------------------------------------------------------

http_response show_actors() {
  json_writer out;
  out.begin_object().key("actors").begin_array();
  for (const auto& figures : probe_set::instance().figures()) {
    out.begin_object().field("type", figures.type).field("instances", figures.instances);
    out.field("restarts", figures.restarts).field("enqueued", figures.enqueued).field("handled", figures.handled);
    out.field("mailbox_depth", figures.depth).key("handling_us").begin_object();
    out.field("count", figures.handled).field("sum", figures.busy_ns / 1000);
    write_buckets(out, actor_probe::bounds_us, figures.buckets);
    out.end_object().end_object();
  }
  return json_response(200, out.end_array().end_object().take());
}

// -- GET /v1/telemetry/database --------------------------------------------------------

void write_operation(json_writer& out, const db_operation_figures& figures) {
  out.begin_object().field("name", figures.name).field("units", figures.units);
  out.field("round_trips", figures.round_trips).field("statements", figures.statements).field("errors", figures.errors);
  out.field("splits", figures.splits).field("retries", figures.retries);
  write_histogram(out, "batch_size", figures.batch_size);
  write_histogram(out, "queue_wait_us", figures.queue_wait_us);
  write_histogram(out, "execution_us", figures.execution_us);
  out.end_object();
}

void write_turns(json_writer& out, const turn_metrics& turns) {
  auto load = [](const std::atomic<std::uint64_t>& value) { return value.load(std::memory_order_relaxed); };
  out.begin_object().field("count", load(turns.turns)).field("outcomes", load(turns.outcomes));
  out.field("conflicts", load(turns.conflicts)).field("tasks_ended", load(turns.tasks_ended));
  out.key("by_round_trips").begin_array();
  for (const auto& count : turns.round_trips)
    out.value(load(count));
  out.end_array().end_object();
}

http_response show_database(const api_context& context) {
  auto figures = context.db ? context.db->figures() : db_figures{};
  json_writer out;
  out.begin_object().field("round_trips", figures.round_trips).field("exchanges", figures.exchanges);
  out.field("connections_up", figures.connections_up).field("connects", figures.connects);
  out.field("reconnects", figures.reconnects).field("lost", figures.lost).field("rejected", figures.rejected);
  out.field("queued", figures.queued).field("in_flight", figures.in_flight);
  if (context.turns)
    write_turns(out.key("turns"), *context.turns);
  out.key("operations").begin_array();
  for (const auto& one : figures.operations)
    write_operation(out, one);
  return json_response(200, out.end_array().end_object().take());
}

// -- GET /v1/telemetry/turns -----------------------------------------------------------

/// Small and cheap, so that it may be asked often.
http_response show_turns(const api_context& context) {
  json_writer out;
  static const turn_metrics none;
  write_turns(out, context.turns ? *context.turns : none);
  return json_response(200, out.take());
}

// -- GET /v1/telemetry/cluster -----------------------------------------------------------

http_response show_cluster_figures(const api_context& context) {
  json_writer out;
  out.begin_object();
  auto& map = context.actors->cluster();
  for (const auto& figure : cluster_figures(map))
    out.field(figure.name, figure.value);
  out.field("partitions_served", std::uint64_t{map.partitions_served()});
  out.field("links_up", std::uint64_t{map.peers().size()});
  return json_response(200, out.end_object().take());
}

// -- GET /metrics ------------------------------------------------------------------------

http_response show_metrics(const api_context& context, const http_metrics& http) {
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, collect_metrics(context, http));
  http_response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = text.str();
  return response;
}

} // namespace

void add_telemetry_routes(router& routes, const api_ptr& api) {
  routes.add("GET", "/metrics", [api, http = routes.metrics()](const http_request&, const responder& reply) {
    reply(show_metrics(api->context, *http));
  });
  if (api->context.config_json)
    routes.add("GET", "/config", [api](const http_request&, const responder& reply) {
      reply.later([api] { return json_response(200, api->context.config_json()); });
    });
  routes.add("GET", "/v1/telemetry/actors", [](const http_request&, const responder& reply) { reply(show_actors()); });
  routes.add("GET", "/v1/telemetry/database",
             [api](const http_request&, const responder& reply) { reply(show_database(api->context)); });
  routes.add("GET", "/v1/telemetry/turns",
             [api](const http_request&, const responder& reply) { reply(show_turns(api->context)); });
  routes.add("GET", "/v1/telemetry/cluster",
             [api](const http_request&, const responder& reply) { reply(show_cluster_figures(api->context)); });
}

} // namespace geartrain
