#include "runtime/node_settings.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <optional>
#include <thread>

namespace geartrain {

namespace {

staleness_limits staleness_limits_of(const staleness_config& settings) {
  auto limit = [](std::chrono::seconds given) { return given.count() > 0 ? std::optional{given} : std::nullopt; };
  staleness_limits out;
  out.waiting_for_dependencies = limit(settings.waiting_for_dependencies);
  out.waiting_for_retry = limit(settings.waiting_for_retry);
  out.steps_in_process = limit(settings.steps_in_process);
  out.max_duration = limit(settings.max_duration);
  return out;
}

} // namespace

engine_settings engine_settings_of(const config& settings) {
  engine_settings out;
  out.shards = settings.node.shards;
  out.lease = settings.workers.lease;
  out.max_resident = settings.limits.resident_tasks;
  out.environment = settings.tasks.environment;
  out.inbox_every = settings.tasks.inbox_interval;
  out.reconcile_every = settings.staleness.interval;
  out.rules.growth.max_steps_per_decision = settings.tasks.max_steps_per_decision;
  out.rules.growth.max_decision_depth = settings.tasks.max_decision_depth;
  out.rules.staleness = staleness_limits_of(settings.staleness);
  out.retry.backoff_base_ms = settings.retry.base.count();
  out.retry.max_backoff_ms = settings.retry.max.count();
  out.retry.jitter = settings.retry.jitter_percent / 100.0;
  out.retry.max_requested_delay = settings.retry.max_server_delay;
  return out;
}

db_config db_config_of(const config& settings) {
  db_config out;
  out.dsn = settings.database.url;
  out.connections = settings.database.connections;
  out.max_batch = settings.database.max_batch;
  out.max_queue = settings.database.max_queue;
  out.unit_deadline = settings.database.unit_deadline;
  return out;
}

expected<http_config> http_config_of(const config& settings) {
  auto address = parse_listen_address(settings.server.listen);
  if (!address)
    return failure{errc::invalid, "server.listen \"" + settings.server.listen + "\" is not an ADDRESS:PORT"};
  http_config out;
  out.address = address->host;
  out.port = address->port;
  out.threads = settings.server.threads;
  out.max_connections = settings.server.max_connections;
  out.max_header_bytes = settings.server.header_limit_bytes;
  out.idle_timeout = settings.server.idle_timeout;
  out.read_timeout = settings.server.read_timeout;
  out.write_timeout = settings.server.write_timeout;
  return out;
}

admission_limits admission_limits_of(const config& settings) {
  admission_limits out;
  out.creations = static_cast<std::uint32_t>(settings.limits.in_flight_creations);
  out.reports = static_cast<std::uint32_t>(settings.limits.in_flight_reports);
  out.polls = static_cast<std::uint32_t>(settings.limits.waiting_polls);
  out.reads = static_cast<std::uint32_t>(settings.limits.in_flight_reads);
  out.waits = static_cast<std::uint32_t>(settings.limits.waiting_reads);
  return out;
}

void configure_scheduler(caf::actor_system_config& cfg, const config& settings) {
  auto threads = settings.node.threads > 0 ? settings.node.threads : std::thread::hardware_concurrency();
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", std::max<std::size_t>(1, threads));
  cfg.set("scheduler.max-throughput", std::size_t{100});
}

} // namespace geartrain
