#include "runtime/node.hpp"

#include "actors/supervisor.hpp"
#include "actors/template_loading.hpp"
#include "db/db_pool.hpp"
#include "db/inbox_listener.hpp"
#include "db/migrate.hpp"
#include "runtime/api/inbox_request.hpp"
#include "runtime/api/routes.hpp"
#include "runtime/config_json.hpp"
#include "runtime/http/http_server.hpp"
#include "workflow/lease_token.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <atomic>
#include <future>
#include <thread>

namespace geartrain {

namespace {

constexpr std::chrono::seconds start_patience{120};

using steady = std::chrono::steady_clock;

staleness_limits staleness_limits_of(const staleness_config& settings) {
  auto limit = [](std::chrono::seconds given) { return given.count() > 0 ? std::optional{given} : std::nullopt; };
  staleness_limits out;
  out.waiting_for_dependencies = limit(settings.waiting_for_dependencies);
  out.waiting_for_retry = limit(settings.waiting_for_retry);
  out.steps_in_process = limit(settings.steps_in_process);
  out.max_duration = limit(settings.max_duration);
  return out;
}

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

/// The scheduler settings that CAF needs to be fair: see the configuration section of docs/architecture.md.
void configure_scheduler(caf::actor_system_config& cfg, const config& settings) {
  auto threads = settings.node.threads > 0 ? settings.node.threads : std::thread::hardware_concurrency();
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", std::max<std::size_t>(1, threads));
  cfg.set("scheduler.max-throughput", std::size_t{100});
}

/// A completion and the way to wait for it.
template <class T>
struct awaited {
  std::shared_ptr<std::promise<expected<T>>> promise = std::make_shared<std::promise<expected<T>>>();
  std::future<expected<T>> answer = promise->get_future();

  completion<T> done() {
    return completion<T>{[p = promise](expected<T> value) { p->set_value(std::move(value)); }};
  }

  expected<T> wait_until(steady::time_point deadline) {
    if (answer.wait_until(deadline) != std::future_status::ready)
      return failure{errc::timeout, "no answer in time"};
    return answer.get();
  }
};

} // namespace

struct node::parts {
  std::atomic<bool> ready{false};
  std::atomic<bool> draining{false};
  bool stopped = false;
  caf::actor_system_config actor_config;
  std::unique_ptr<caf::actor_system> system;
  std::shared_ptr<engine> shared;
  std::shared_ptr<db_metrics> metrics = std::make_shared<db_metrics>();
  supervisor_actor supervisor;
  std::unique_ptr<http_server> http;
  std::unique_ptr<inbox_listener> listener;
};

node::node(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

node::~node() {
  stop(milliseconds{0});
}

// -- starting ------------------------------------------------------------------------

namespace {

expected<bool> load_all_templates(caf::actor_system& system, const engine& shared) {
  caf::scoped_actor self{system};
  std::optional<failure> why;
  self->request(shared.actors->db(), start_patience, fetch_templates_unit{})
    .receive(
      [&](const fetch_templates_reply& stored) {
        load_new_templates(*shared.catalog, stored, shared.settings.environment);
      },
      [&](caf::error& e) { why = to_failure(e); });
  if (why)
    return *why;
  return true;
}

expected<std::uint32_t> make_open_tasks_resident(const engine& shared) {
  std::vector<awaited<std::uint32_t>> shards(shared.actors->shards());
  for (std::size_t i = 0; i < shards.size(); ++i)
    caf::anon_send(shared.actors->processor(i), recover_request{shards[i].done()});
  std::uint32_t resident = 0;
  for (auto& shard : shards) {
    auto count = shard.wait_until(steady::now() + start_patience);
    if (!count)
      return count.error();
    resident += *count;
  }
  return resident;
}

} // namespace

expected<std::unique_ptr<node>> node::start(const config& settings, std::function<void(const std::string&)> on_fatal) {
  auto http_settings = http_config_of(settings);
  if (!http_settings)
    return http_settings.error();
  auto secret = load_token_secret(settings.database.url);
  if (!secret)
    return secret.error();
  auto made = std::make_unique<parts>();
  auto& p = *made;
  configure_scheduler(p.actor_config, settings);
  p.system = std::make_unique<caf::actor_system>(p.actor_config);
  p.shared = std::make_shared<engine>();
  p.shared->settings = engine_settings_of(settings);
  p.shared->actors = std::make_shared<directory>(settings.node.shards);
  p.shared->catalog = std::make_shared<template_catalog>();
  p.shared->now = system_now;
  p.shared->random = system_random;
  auto start_db = [&system = *p.system, pool = db_config_of(settings), metrics = p.metrics] {
    return spawn_db_pool(system, pool, metrics);
  };
  p.shared->read_inbox_row = read_inbox_row;
  if (!on_fatal)
    on_fatal = [](const std::string& role) { spdlog::critical("actor={} can't be kept alive", role); };
  auto roles = engine_roles(*p.system, p.shared, start_db);
  awaited<std::uint32_t> started;
  p.supervisor = spawn_supervisor(*p.system, p.shared, std::move(roles), std::move(on_fatal), started.done());
  auto self = std::unique_ptr<node>(new node(std::move(made)));

  if (auto running = started.wait_until(steady::now() + start_patience); !running)
    return running.error();
  if (auto loaded = load_all_templates(*p.system, *p.shared); !loaded)
    return loaded.error();
  auto resident = make_open_tasks_resident(*p.shared);
  if (!resident)
    return resident.error();

  api_context api;
  api.actors = p.shared->actors;
  api.catalog = p.shared->catalog;
  api.mint = std::make_shared<token_mint>(*secret);
  api.db = p.metrics;
  api.database_connections = settings.database.connections;
  api.turns = p.shared->turns;
  api.gate = std::make_shared<admission>(admission_limits_of(settings));
  api.ready = [&p] { return p.ready.load(); };
  api.draining = [&p] { return p.draining.load(); };
  api.template_environment = settings.tasks.environment;
  if (!settings.tasks.environment.empty())
    api.environment = settings.tasks.environment;
  if (settings.server.config_endpoint == "on")
    api.config_json = [text = config_as_json(settings)] { return text; };
  api.cors_origins = settings.server.cors_origins;
  api.max_body_bytes = settings.server.body_limit_bytes;
  api.max_bulk_body_bytes = settings.server.bulk_body_limit_bytes;
  api.max_worker_body_bytes = settings.server.worker_body_limit_bytes;
  api.max_requested_delay = p.shared->settings.retry.max_requested_delay;
  router routes;
  add_routes(routes, std::move(api));
  auto http = http_server::start(*http_settings, std::move(routes));
  if (!http)
    return http.error();
  p.http = std::move(*http);
  auto& listen_url = settings.database.listen_url.empty() ? settings.database.url : settings.database.listen_url;
  inbox_listener::config listening;
  listening.dsn = listen_url;
  p.listener = std::make_unique<inbox_listener>(std::move(listening), [actors = p.shared->actors] {
    if (auto inbox = actors->inbox())
      caf::anon_send(inbox, tick{});
  });
  p.ready = true;
  spdlog::info("node serves url={} open_tasks={} templates={}", p.http->url(), *resident,
               p.shared->catalog->list(std::nullopt).size());
  return self;
}

// -- running -------------------------------------------------------------------------

std::string node::url() const {
  return parts_->http ? parts_->http->url() : std::string{};
}

expected<register_template_result> node::register_template(std::string text, bool is_json) {
  awaited<register_template_result> waiting;
  caf::anon_send(parts_->shared->actors->templates(),
                 register_template_request{std::move(text), is_json, waiting.done()});
  return waiting.wait_until(steady::now() + start_patience);
}

const engine& node::shared() const {
  return *parts_->shared;
}

const db_metrics& node::database() const {
  return *parts_->metrics;
}

// -- stopping --------------------------------------------------------------------------

namespace {

bool drain_all(std::vector<awaited<std::uint32_t>>& waiting, steady::time_point deadline) {
  bool complete = true;
  for (auto& one : waiting)
    complete = static_cast<bool>(one.wait_until(deadline)) && complete;
  return complete;
}

/// What arrived first is finished first: creations, then dispatch, then open turns.
bool drain_actors(const directory& actors, steady::time_point deadline) {
  std::vector<awaited<std::uint32_t>> intakes(actors.shards());
  for (std::size_t i = 0; i < intakes.size(); ++i)
    caf::anon_send(actors.intake(i), drain_request{intakes[i].done()});
  auto complete = drain_all(intakes, deadline);
  std::vector<awaited<std::uint32_t>> dispatcher(1);
  caf::anon_send(actors.dispatcher(), drain_request{dispatcher[0].done()});
  complete = drain_all(dispatcher, deadline) && complete;
  std::vector<awaited<std::uint32_t>> processors(actors.shards());
  for (std::size_t i = 0; i < processors.size(); ++i)
    caf::anon_send(actors.processor(i), drain_request{processors[i].done()});
  return drain_all(processors, deadline) && complete;
}

} // namespace

bool node::stop(milliseconds deadline) {
  auto& p = *parts_;
  if (std::exchange(p.stopped, true))
    return true;
  auto until = steady::now() + deadline;
  p.draining = true;
  p.ready = false;
  p.listener.reset();
  bool complete = true;
  if (p.http) {
    p.http->drain();
    complete = drain_actors(*p.shared->actors, until);
    auto left = std::chrono::duration_cast<milliseconds>(until - steady::now());
    complete = p.http->stop(std::max(left, milliseconds{0})) && complete;
    p.http.reset();
  }
  {
    caf::scoped_actor self{*p.system};
    self->monitor(p.supervisor);
    self->send(p.supervisor, stop_children{});
    self->receive([](caf::down_msg&) {});
  }
  p.supervisor = nullptr;
  p.shared->actors->clear(); // a handle in there would keep its actor alive
  p.system.reset();
  return complete;
}

} // namespace geartrain
