#include "tests/actor/sim.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

namespace geartrain::sim {

namespace {

std::unique_ptr<caf::actor_system> make_system(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return std::make_unique<caf::actor_system>(config);
}

const timestamp epoch{std::chrono::seconds{1700000000}};

} // namespace

world::world(task_template definition, std::optional<cluster_wiring> wiring)
  : owner(make_system(config)),
    system(*owner),
    scheduler(static_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
    start_(scheduler.clock().now()) {
  start(std::move(definition), std::move(wiring));
}

world::world(world& first, task_template definition, cluster_wiring wiring)
  : system(first.system), scheduler(first.scheduler), rows(first.rows), start_(first.start_) {
  for (auto byte : wiring.self.id.bytes) // no node draws the numbers of another one
    random_ = random_ * 257 + byte;
  start(std::move(definition), std::move(wiring));
}

void world::start(task_template definition, std::optional<cluster_wiring> wiring) {
  spdlog::set_level(spdlog::level::off);
  shared->settings.shards = 1;
  shared->cluster = std::move(wiring);
  shared->actors = std::make_shared<directory>(1, [this] { return scheduler.clock().now(); });
  shared->catalog = std::make_shared<template_catalog>();
  shared->catalog->put(template_snapshot{std::move(definition)}, 1);
  shared->now = [this] {
    return epoch + std::chrono::duration_cast<std::chrono::microseconds>(scheduler.clock().now() - start_);
  };
  if (!rows->cluster.now)
    rows->cluster.now = shared->now;
  shared->random = [this] { return ++random_ * 0x9E3779B97F4A7C15ULL; };
  auto start_db = [this] { return db_actor{spawn_fake_db(system, rows)}; };
  supervisor_ = spawn_supervisor(system, shared, engine_roles(system, shared, start_db),
                                 [this](const std::string& role) { given_up = role; });
  run();
}

void world::stop() {
  if (!supervisor_)
    return;
  caf::anon_send(supervisor_, stop_children{});
  run();
  supervisor_ = nullptr;
  shared->actors->clear();
}

world::~world() {
  stop();
  if (owner)
    CHECK(system.registry().running() == 0);
}

void world::pass(milliseconds time) {
  const milliseconds step{10};
  for (auto left = time; left.count() > 0; left -= step) {
    scheduler.advance_time(std::min(left, step));
    run();
  }
}

create_task sample_creation(std::optional<std::string> key) {
  create_task task;
  task.namespace_name = "test";
  task.name = "sample";
  task.input.context = json_text{"{}"};
  task.identity = identity_strategy::always_unique;
  task.idempotency_key = std::move(key);
  return task;
}

pending<create_task_result> world::create(std::optional<std::string> key) {
  pending<create_task_result> result;
  auto task = sample_creation(std::move(key));
  caf::anon_send(shared->actors->intake(0), create_task_request{std::move(task), result.done()});
  return result;
}

pending<std::vector<creation_outcome>> world::create_all(const std::vector<std::optional<std::string>>& keys) {
  pending<std::vector<creation_outcome>> result;
  create_tasks_request asked{{}, result.done()};
  for (auto& key : keys)
    asked.tasks.push_back(sample_creation(key));
  caf::anon_send(shared->actors->intake(0), std::move(asked));
  return result;
}

pending<task_snapshot> world::await_end(const task_id& id, milliseconds wait, std::uint64_t wait_id) {
  pending<task_snapshot> result;
  caf::anon_send(shared->actors->processor(0), await_task_request{id, wait_id, wait, result.done()});
  run();
  return result;
}

task_snapshot world::created(std::optional<milliseconds> starts_in) {
  pending<create_task_result> result;
  auto task = sample_creation(std::nullopt);
  if (starts_in)
    task.input.start_at = shared->now() + *starts_in;
  caf::anon_send(shared->actors->intake(0), create_task_request{std::move(task), result.done()});
  run();
  REQUIRE(result.answered());
  REQUIRE(result.answer());
  return std::get<task_created>(*result.answer()).task;
}

std::vector<leased_step> world::poll(std::uint32_t max_steps) {
  pending<std::vector<leased_step>> result;
  caf::anon_send(shared->actors->dispatcher(),
                 poll_request{0, "w", {"test"}, std::nullopt, max_steps, milliseconds{0}, result.done()});
  run();
  if (!result.answered())
    pass(milliseconds{100}); // with peers a poll waits for a moment
  REQUIRE(result.answered());
  return *result.answer();
}

pending<std::vector<leased_step>> world::long_poll(milliseconds wait, std::uint64_t id) {
  pending<std::vector<leased_step>> result;
  caf::anon_send(shared->actors->dispatcher(), poll_request{id, "w", {"test"}, std::nullopt, 1, wait, result.done()});
  run();
  return result;
}

pending<report_answer> world::report(const leased_step& step, bool success, bool retryable) {
  pending<report_answer> result;
  step_report report;
  report.token = step.held.token;
  report.worker = "w";
  report.success = success;
  report.retryable = retryable;
  if (success)
    report.result = json_text{"1"};
  else
    report.error = json_text{R"({"message":"no"})"};
  caf::anon_send(shared->actors->processor(0), submit_reports{{{std::move(report), result.done()}}});
  return result;
}

report_status world::finish(const leased_step& step, bool success, bool retryable) {
  auto result = report(step, success, retryable);
  run();
  REQUIRE(result.answered());
  REQUIRE(result.answer());
  return result.answer()->status;
}

heartbeat_status world::heartbeat(const lease_token& token) {
  pending<std::vector<heartbeat_answer>> result;
  caf::anon_send(shared->actors->dispatcher(), heartbeat_request{"w", {token}, result.done()});
  run();
  REQUIRE(result.answered());
  return result.answer()->front().status;
}

report_status world::checkpoint(const leased_step& step, report_kind kind, std::string data) {
  pending<report_answer> result;
  step_report report;
  report.kind = kind;
  report.token = step.held.token;
  report.worker = "w";
  report.checkpoint = json_text{std::move(data)};
  caf::anon_send(shared->actors->processor(0), submit_reports{{{std::move(report), result.done()}}});
  run();
  REQUIRE(result.answered());
  return result.answer()->status;
}

pending<task_snapshot> world::act(const task_id& id, act_kind kind, std::uint16_t number) {
  pending<task_snapshot> result;
  caf::anon_send(shared->actors->processor(0), act_request{id, {kind, number, "ann", "test", {}, {}}, result.done()});
  run();
  return result;
}

expected<task_snapshot> world::read(const task_id& id) {
  pending<task_snapshot> result;
  caf::anon_send(shared->actors->processor(0), read_task_request{id, result.done()});
  run();
  REQUIRE(result.answered());
  return result.answer();
}

} // namespace geartrain::sim
