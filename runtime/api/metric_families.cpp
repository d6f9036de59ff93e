#include "runtime/api/metric_families.hpp"

#include "actors/engine.hpp"
#include "db/metrics.hpp"
#include "messages/probe.hpp"
#include "runtime/api/cluster_figures.hpp"

#include <limits>
#include <string>
#include <utility>

namespace geartrain {

namespace {

using family = prometheus::MetricFamily;
using labels = std::vector<prometheus::ClientMetric::Label>;

constexpr double microsecond = 1e-6;
constexpr double nanosecond = 1e-9;

/// A family under construction.
class family_builder {
public:
  family_builder(std::string name, std::string help, prometheus::MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  /// A counter's or gauge's value.
  template <class Number>
  family_builder& add(labels where, Number value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(where);
    metric.counter.value = static_cast<double>(value); // the serializer takes the member that the type names
    metric.gauge.value = static_cast<double>(value);
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  /// A histogram; `counts` has one more entry than `bounds`. Bounds and sum are scaled to the unit of the family.
  template <class Bounds, class Counts>
  family_builder& add_histogram(labels where, const Bounds& bounds, const Counts& counts, double sum, double scale) {
    prometheus::ClientMetric metric;
    metric.label = std::move(where);
    std::uint64_t below = 0;
    std::size_t i = 0;
    for (const auto& count : counts) {
      below += static_cast<std::uint64_t>(count);
      auto bound = i < bounds.size() ? static_cast<double>(bounds[i]) * scale : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({below, bound});
      ++i;
    }
    metric.histogram.sample_count = below;
    metric.histogram.sample_sum = sum;
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  family take() { return std::move(family_); }

private:
  family family_;
};

family_builder counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter};
}

family_builder gauge(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge};
}

family_builder histogram_of(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Histogram};
}

void collect_actors(std::vector<family>& all) {
  auto instances = gauge("geartrain_actor_instances", "Living actors");
  auto restarts = counter("geartrain_actor_restarts_total", "Actors replaced after a crash");
  auto enqueued = counter("geartrain_actor_enqueued_total", "Messages put into mailboxes");
  auto depth = gauge("geartrain_actor_mailbox_depth", "Messages waiting in mailboxes");
  auto handling = histogram_of("geartrain_actor_handling_seconds", "Time spent on one message");
  for (const auto& figures : probe_set::instance().figures()) {
    labels where{{"actor", figures.type}};
    instances.add(where, figures.instances);
    restarts.add(where, figures.restarts);
    enqueued.add(where, figures.enqueued);
    depth.add(where, figures.depth);
    handling.add_histogram(where, actor_probe::bounds_us, figures.buckets,
                           static_cast<double>(figures.busy_ns) * nanosecond, microsecond);
  }
  for (auto* one : {&instances, &restarts, &enqueued, &depth, &handling})
    all.push_back(one->take());
}

void collect_database_totals(std::vector<family>& all, const db_figures& figures) {
  auto add = [&](family_builder built, auto value) { all.push_back(built.add({}, value).take()); };
  add(counter("geartrain_db_exchanges_total", "Flushes of a connection"), figures.exchanges);
  add(counter("geartrain_db_connects_total", "Connections that became usable"), figures.connects);
  add(counter("geartrain_db_reconnects_total", "Connections that replaced a lost one"), figures.reconnects);
  add(counter("geartrain_db_lost_total", "Usable connections that broke"), figures.lost);
  add(counter("geartrain_db_rejected_total", "Units of work refused because the queue was full"), figures.rejected);
  add(gauge("geartrain_db_queued", "Units of work that wait"), figures.queued);
  add(gauge("geartrain_db_in_flight", "Units of work that are with the server"), figures.in_flight);
  add(gauge("geartrain_db_connections_up", "Usable connections"), figures.connections_up);
}

void collect_database(std::vector<family>& all, const db_figures& figures) {
  auto units = counter("geartrain_db_units_total", "Units of work accepted");
  auto trips = counter("geartrain_db_round_trips_total", "Batches sent and answered as a whole");
  auto statements = counter("geartrain_db_statements_total", "Statements in those batches");
  auto errors = counter("geartrain_db_errors_total", "Units of work answered with a failure");
  auto retries = counter("geartrain_db_retries_total", "Batches repeated after a deadlock or serialization failure");
  auto splits = counter("geartrain_db_splits_total", "Batches cut in halves after a failure");
  auto sizes = histogram_of("geartrain_db_batch_size", "Units of work in one batch");
  auto waits = histogram_of("geartrain_db_queue_wait_seconds", "From a unit's arrival until it is sent");
  auto times = histogram_of("geartrain_db_execution_seconds", "From sending a batch until it is answered");
  for (const auto& one : figures.operations) {
    labels where{{"operation", one.name}};
    units.add(where, one.units);
    trips.add(where, one.round_trips);
    statements.add(where, one.statements);
    errors.add(where, one.errors);
    retries.add(where, one.retries);
    splits.add(where, one.splits);
    auto add = [&](family_builder& to, const histogram_figures& h, double scale) {
      to.add_histogram(where, h.bounds, h.counts, static_cast<double>(h.sum) * scale, scale);
    };
    add(sizes, one.batch_size, 1.0);
    add(waits, one.queue_wait_us, microsecond);
    add(times, one.execution_us, microsecond);
  }
  for (auto* one : {&units, &trips, &statements, &errors, &retries, &splits, &sizes, &waits, &times})
    all.push_back(one->take());
  collect_database_totals(all, figures);
}

void collect_turns(std::vector<family>& all, const turn_metrics& turns) {
  auto add = [&](const char* name, const char* help, const std::atomic<std::uint64_t>& value) {
    all.push_back(counter(name, help).add({}, value.load(std::memory_order_relaxed)).take());
  };
  add("geartrain_turns_total", "Turns committed", turns.turns);
  add("geartrain_turn_outcomes_total", "Step outcomes in those turns", turns.outcomes);
  add("geartrain_turn_conflicts_total", "Turns repeated after a lost compare-and-swap", turns.conflicts);
  add("geartrain_tasks_ended_total", "Turns that left their task in a terminal state", turns.tasks_ended);
  auto trips = counter("geartrain_turns_by_round_trips_total", "Turns by the database round trips they took");
  for (std::size_t i = 0; i < turns.round_trips.size(); ++i) {
    auto label = std::to_string(i) + (i + 1 == turns.round_trips.size() ? "+" : "");
    trips.add({{"round_trips", label}}, turns.round_trips[i].load(std::memory_order_relaxed));
  }
  all.push_back(trips.take());
}

void collect_http(std::vector<family>& all, const http_metrics& http) {
  auto requests = counter("geartrain_http_requests_total", "Requests answered");
  auto times = histogram_of("geartrain_http_request_seconds", "From a complete request to its answer");
  for (const auto* one : http.entries()) {
    for (std::size_t i = 0; i < one->by_class.size(); ++i)
      if (auto count = one->by_class[i].load(std::memory_order_relaxed); count > 0)
        requests.add({{"method", one->method}, {"route", one->pattern}, {"status", std::to_string(i + 1) + "xx"}},
                     count);
    times.add_histogram({{"method", one->method}, {"route", one->pattern}}, route_metrics::bounds_us, one->buckets,
                        static_cast<double>(one->spent_ns.load(std::memory_order_relaxed)) * nanosecond, microsecond);
  }
  all.push_back(requests.take());
  all.push_back(times.take());
  auto add = [&](family_builder built, auto value) { all.push_back(built.add({}, value).take()); };
  add(gauge("geartrain_http_connections", "Open connections"), http.connections.load());
  add(gauge("geartrain_http_pending", "Requests that wait for their answer"), http.pending.load());
  add(counter("geartrain_http_accepted_total", "Connections accepted"), http.accepted.load());
  add(counter("geartrain_http_refused_total", "Connections over the bound"), http.refused.load());
  add(counter("geartrain_http_timed_out_total", "Requests that did not arrive in time"), http.timed_out.load());
  add(counter("geartrain_http_disconnected_total", "Clients that left before their answer"), http.disconnected.load());
}

void collect_admission(std::vector<family>& all, const admission& gate) {
  auto inside = gauge("geartrain_admission_in_flight", "Credit in use");
  auto limit = gauge("geartrain_admission_limit", "Credit that there is");
  auto refused = counter("geartrain_admission_refused_total", "Requests refused for lack of credit");
  for (std::size_t i = 0; i < admission_kind_count; ++i) {
    auto kind = static_cast<admission_kind>(i);
    labels where{{"kind", std::string{to_string(kind)}}};
    inside.add(where, gate.in_flight(kind));
    limit.add(where, gate.limit(kind));
    refused.add(where, gate.refused(kind));
  }
  for (auto* one : {&inside, &limit, &refused})
    all.push_back(one->take());
}

void collect_cluster(std::vector<family>& all, const cluster_map& map) {
  for (const auto& figure : cluster_figures(map))
    all.push_back(counter("geartrain_cluster_" + std::string{figure.name} + "_total", std::string{figure.help})
                    .add({}, figure.value)
                    .take());
  all.push_back(
    gauge("geartrain_cluster_partitions_served", "Partitions of this node").add({}, map.partitions_served()).take());
  all.push_back(
    gauge("geartrain_cluster_links_up", "Nodes that this one is linked with").add({}, map.peers().size()).take());
}

} // namespace

std::vector<prometheus::MetricFamily> collect_metrics(const api_context& context, const http_metrics& http) {
  std::vector<family> all;
  collect_actors(all);
  if (context.db)
    collect_database(all, context.db->figures());
  if (context.turns)
    collect_turns(all, *context.turns);
  if (context.actors)
    collect_cluster(all, context.actors->cluster());
  collect_http(all, http);
  if (context.gate)
    collect_admission(all, *context.gate);
  return all;
}

} // namespace geartrain
