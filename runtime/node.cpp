#include "runtime/node.hpp"

#include "actors/supervisor.hpp"
#include "actors/template_loading.hpp"
#include "db/inbox_listener.hpp"
#include "db/migrate.hpp"
#include "runtime/api/inbox_request.hpp"
#include "runtime/api/routes.hpp"
#include "runtime/config_json.hpp"
#include "runtime/http/http_server.hpp"
#include "runtime/node_cluster.hpp"
#include "runtime/node_settings.hpp"
#include "workflow/lease_token.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <atomic>
#include <future>
#include <thread>

namespace geartrain {

namespace {

constexpr std::chrono::seconds start_patience{120};
constexpr milliseconds leave_patience{2000};

using steady = std::chrono::steady_clock;

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
  milliseconds leave_delay{0};
  caf::actor_system_config actor_config;
  std::unique_ptr<caf::actor_system> system;
  std::shared_ptr<engine> shared;
  std::shared_ptr<db_metrics> metrics = std::make_shared<db_metrics>();
  supervisor_actor supervisor;
  std::unique_ptr<http_server> http;
  std::unique_ptr<inbox_listener> listener;
  peer_gate_actor gate; ///< null: not one of a cluster
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

/// Serves what is this node's part: everything, if it is not one of a cluster.
expected<std::uint32_t> take_part(const engine& shared) {
  if (!shared.cluster)
    return make_open_tasks_resident(shared);
  awaited<std::uint32_t> joined;
  caf::anon_send(shared.actors->membership(), join_cluster{joined.done()});
  return joined.wait_until(steady::now() + start_patience);
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
  p.leave_delay = settings.cluster.leave_delay;
  configure_scheduler(p.actor_config, settings);
  auto cluster = prepare_cluster(settings, p.actor_config);
  if (!cluster)
    return cluster.error();
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
  if (*cluster) {
    auto gate = open_gate(*p.system, p.shared, settings, std::move(**cluster));
    if (!gate)
      return gate.error();
    p.gate = std::move(*gate);
  }
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
  auto resident = take_part(*p.shared);
  if (!resident)
    return resident.error();

  api_context api;
  api.actors = p.shared->actors;
  api.catalog = p.shared->catalog;
  api.mint = std::make_shared<token_mint>(*secret);
  api.db = p.metrics;
  api.database_connections = settings.database.connections;
  api.turns = p.shared->turns;
  api.refuses_when_full = settings.limits.when_full == "refuse";
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
  if (p.shared->cluster)
    caf::anon_send(p.shared->actors->membership(), announce_url{p.http->url()});
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

namespace {

/// The partitions go to other nodes while this one still passes calls on to them.
bool hand_partitions_over(const engine& shared, steady::time_point deadline) {
  if (!shared.cluster)
    return true;
  awaited<std::uint32_t> over;
  caf::anon_send(shared.actors->membership(), hand_over{over.done()});
  return static_cast<bool>(over.wait_until(deadline));
}

void leave(const engine& shared, steady::time_point deadline) {
  if (!shared.cluster)
    return;
  awaited<std::uint32_t> left;
  caf::anon_send(shared.actors->membership(), leave_cluster{left.done()});
  left.wait_until(deadline);
}

} // namespace

bool node::stop(milliseconds deadline) {
  auto& p = *parts_;
  if (std::exchange(p.stopped, true))
    return true;
  auto until = steady::now() + deadline;
  p.ready = false;
  p.listener.reset();
  bool complete = true;
  if (p.http) {
    if (deadline.count() > 0 && p.shared->actors->cluster().has_peers()) {
      p.http->say_goodbye();
      std::this_thread::sleep_for(p.leave_delay); // balancers learn that this node is not ready any more
    }
    if (deadline.count() > 0)
      complete = hand_partitions_over(*p.shared, until);
    p.draining = true;
    p.http->drain();
    complete = drain_actors(*p.shared->actors, until) && complete;
    auto left = std::chrono::duration_cast<milliseconds>(until - steady::now());
    complete = p.http->stop(std::max(left, milliseconds{0})) && complete;
    p.http.reset();
    leave(*p.shared, steady::now() + std::min(deadline, leave_patience));
  }
  {
    caf::scoped_actor self{*p.system};
    self->monitor(p.supervisor);
    self->send(p.supervisor, stop_children{});
    self->receive([](caf::down_msg&) {});
  }
  p.supervisor = nullptr;
  p.shared->actors->clear(); // a handle in there would keep its actor alive
  if (p.gate)
    caf::anon_send_exit(std::exchange(p.gate, nullptr), caf::exit_reason::kill);
  p.system.reset();
  return complete;
}

} // namespace geartrain
