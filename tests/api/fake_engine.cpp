#include "tests/api/fake_engine.hpp"

#include "workflow/turn.hpp"

#include <doctest/doctest.h>

namespace geartrain::testing {

namespace {

using namespace std::chrono_literals;

class fake_intake : public task_intake_actor::base {
public:
  fake_intake(caf::actor_config& config, fake_engine* owner) : task_intake_actor::base(config), owner_(owner) {}

protected:
  behavior_type make_behavior() override {
    return {[this](const create_task_request& r) {
              if (owner_->on_create)
                owner_->on_create(r);
            },
            [this](const create_tasks_request& r) {
              if (owner_->on_create_all)
                owner_->on_create_all(r);
            },
            [](const drain_request&) {}};
  }

private:
  fake_engine* owner_;
};

class fake_templates : public template_registry_actor::base {
public:
  fake_templates(caf::actor_config& config, fake_engine* owner)
    : template_registry_actor::base(config), owner_(owner) {}

protected:
  behavior_type make_behavior() override {
    return {[this](const register_template_request& r) {
              if (owner_->on_register)
                owner_->on_register(r);
            },
            [](const refresh_templates&) {}, [](const tick&) {}};
  }

private:
  fake_engine* owner_;
};

class fake_processor : public result_processor_actor::base {
public:
  fake_processor(caf::actor_config& config, fake_engine* owner) : result_processor_actor::base(config), owner_(owner) {}

protected:
  behavior_type make_behavior() override {
    return {[this](const submit_reports& r) { report(r); },
            [](const turn_closed&) {},
            [](const steps_leased&) {},
            [](const adopt_tasks&) {},
            [this](const read_task_request& r) {
              if (owner_->on_read)
                owner_->on_read(r);
            },
            [](const timer_due&) {},
            [](const lease_ended&) {},
            [](const recover_request&) {},
            [](const evict_task&) {},
            [this](const act_request& r) {
              if (owner_->on_act)
                owner_->on_act(r);
            },
            [](const look_at_tasks&) {},
            [](const gain_partitions&) {},
            [](const lose_partitions&) {},
            [](const reread_tasks&) {},
            [this](const await_task_request& r) {
              if (owner_->on_await)
                owner_->on_await(r);
            },
            [this](const wait_cancelled& r) {
              if (owner_->on_cancel_wait)
                owner_->on_cancel_wait(r);
            },
            [](const drain_request&) {}};
  }

private:
  void report(const submit_reports& batch) {
    for (const auto& one : batch.reports) {
      if (owner_->on_report_message)
        owner_->on_report_message(one);
      else if (owner_->on_report)
        one.done(owner_->on_report(one.report));
    }
  }

  fake_engine* owner_;
};

class fake_dispatcher : public step_dispatcher_actor::base {
public:
  fake_dispatcher(caf::actor_config& config, fake_engine* owner) : step_dispatcher_actor::base(config), owner_(owner) {}

protected:
  behavior_type make_behavior() override {
    return {[this](const poll_request& r) { tell(owner_->on_poll, r); },
            [](const steps_ready&) {},
            [this](const heartbeat_request& r) { tell(owner_->on_heartbeat, r); },
            [this](const poll_cancelled& r) { tell(owner_->on_cancel, r); },
            [this](const leases_returned& r) { tell(owner_->on_return, r); },
            [](const adopt_leases&) {},
            [](const lose_partitions&) {},
            [](const peer_came&) {},
            [](const steps_arrived&) {},
            [](const withdraw_steps&) { return withdrawn_reply{}; },
            [this](const set_pauses& r) { tell(owner_->on_pauses, r); },
            [](const drain_request&) {},
            [](const tick&) {}};
  }

private:
  template <class Function, class Message>
  static void tell(const Function& function, const Message& message) {
    if (function)
      function(message);
  }

  fake_engine* owner_;
};

/// A handler that answers with what the function says; it may be set later.
template <class Reply, class Unit>
auto says(const std::function<expected<Reply>(const Unit&)>& function) {
  return [&function](const Unit& unit) -> caf::result<Reply> {
    if (!function)
      return make_error(errc::unavailable, "no database");
    auto answer = function(unit);
    if (!answer)
      return make_error(answer.error().code, answer.error().message);
    return std::move(*answer);
  };
}

class fake_db : public db_actor::base {
public:
  fake_db(caf::actor_config& config, fake_engine* owner) : db_actor::base(config), owner_(owner) {}

protected:
  behavior_type make_behavior() override {
    auto refuse = make_error(errc::storage, "not in this test");
    return {[=](const commit_turn_unit&) -> caf::result<commit_turn_reply> { return refuse; },
            [=](const create_task_unit&) -> caf::result<create_task_reply> { return refuse; },
            [=](const load_task_unit&) -> caf::result<task_rows_ptr> { return refuse; },
            [=](const sync_claims_unit&) -> caf::result<unit_done> { return refuse; },
            [=](const record_refused_unit&) -> caf::result<unit_done> { return refuse; },
            [=](const open_tasks_unit&) -> caf::result<open_tasks_reply> { return refuse; },
            [this](const list_tasks_unit& unit) -> caf::result<list_tasks_reply> {
              if (owner_->on_list)
                return owner_->on_list(unit);
              return make_error(errc::unavailable, "no database");
            },
            [=](const put_template_unit&) -> caf::result<put_template_reply> { return refuse; },
            [](const beat_unit&) { return beat_reply{}; },
            [](const leave_unit&) { return unit_done{}; },
            [](const touch_tasks_unit&) { return unit_done{}; },
            [](const ask_drain_unit&) { return unit_done{}; },
            [](const read_cluster_unit&) { return cluster_view{}; },
            [](const fetch_templates_unit&) -> caf::result<fetch_templates_reply> { return fetch_templates_reply{}; },
            [this](const ping_unit&) -> caf::result<unit_done> {
              if (owner_->database_answers)
                return unit_done{};
              return make_error(errc::unavailable, "no database");
            },
            [=](const overdue_tasks_unit&) -> caf::result<overdue_tasks_reply> { return refuse; },
            says(owner_->on_audit),
            says(owner_->on_cases),
            says(owner_->on_add_case),
            says(owner_->on_update_case),
            says(owner_->on_case_stats),
            says(owner_->on_queue),
            says(owner_->on_staleness),
            says(owner_->on_performance),
            says(owner_->on_bottlenecks),
            says(owner_->on_events),
            says(owner_->on_set_pause),
            says(owner_->on_read_pauses),
            [=](const read_inbox_unit&) -> caf::result<read_inbox_reply> { return refuse; },
            [=](const settle_inbox_unit&) -> caf::result<unit_done> { return refuse; },
            [=](const create_tasks_unit&) -> caf::result<create_tasks_reply> { return refuse; }};
  }

private:
  fake_engine* owner_;
};

} // namespace

struct fake_engine::system {
  system() {
    config.set("scheduler.policy", caf::atom("sharing")).set("scheduler.max-threads", std::size_t{2});
    actors = std::make_unique<caf::actor_system>(config);
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> actors;
};

fake_engine::fake_engine(std::function<void(api_context&)> configure, http_config http)
  : actors(std::make_shared<directory>(2)), system_(std::make_unique<system>()) {
  auto& spawner = *system_->actors;
  for (std::size_t shard = 0; shard < actors->shards(); ++shard) {
    actors->set_intake(shard, spawner.spawn<fake_intake>(this));
    actors->set_processor(shard, spawner.spawn<fake_processor>(this));
  }
  actors->set_dispatcher(spawner.spawn<fake_dispatcher>(this));
  actors->set_templates(spawner.spawn<fake_templates>(this));
  actors->set_db(spawner.spawn<fake_db>(this));
  db->connections_up = 1;
  api_context context;
  context.actors = actors;
  context.catalog = catalog;
  context.mint = mint;
  context.db = db;
  context.gate = gate;
  context.now = &fake_engine::now;
  if (configure)
    configure(context);
  router routes;
  add_routes(routes, std::move(context));
  http.port = 0;
  auto started = http_server::start(http, std::move(routes));
  REQUIRE(started);
  server_ = std::move(*started);
}

fake_engine::~fake_engine() {
  stop();
}

void fake_engine::stop() {
  if (!system_)
    return;
  server_->stop(0ms);
  for (std::size_t shard = 0; shard < actors->shards(); ++shard) {
    caf::anon_send_exit(actors->intake(shard), caf::exit_reason::user_shutdown);
    caf::anon_send_exit(actors->processor(shard), caf::exit_reason::user_shutdown);
  }
  caf::anon_send_exit(actors->dispatcher(), caf::exit_reason::user_shutdown);
  caf::anon_send_exit(actors->templates(), caf::exit_reason::user_shutdown);
  caf::anon_send_exit(actors->db(), caf::exit_reason::user_shutdown);
  actors->clear();
  system_.reset(); // waits for all actors
}

timestamp fake_engine::now() {
  using namespace std::chrono;
  return sys_days{year{2026} / 1 / 2} + 3h + 4min + 5s + 678901us;
}

task_context sample_task(const task_template& definition, const std::string& context) {
  task_input input;
  input.context = json_text{context};
  input.initiator = "api";
  input.source_system = "tests";
  input.reason = "requested";
  input.tags = {"a", "b"};
  input.correlation_id = *parse_uuid(sample_correlation);
  input.requested_at = fake_engine::now();
  return *new_task(*parse_uuid(sample_task_id), template_snapshot{definition}, input_snapshot{input},
                   fake_engine::now());
}

leased_step sample_lease(const task_context& task, std::uint16_t number) {
  ready_step step;
  step.id = make_step_id(task.id, number);
  step.definition_index = task.step(number).definition;
  step.definition = task.definition;
  step.input = task.input;
  step.ready_at = fake_engine::now();
  lease held;
  held.token = {step.id, 1, 0, 7, 1000u + number, fake_engine::now() + 30s};
  held.worker = "w-1";
  held.claimed_at = fake_engine::now();
  held.expires_at = fake_engine::now() + 30s;
  return {std::make_shared<const ready_step>(std::move(step)), held};
}

} // namespace geartrain::testing
