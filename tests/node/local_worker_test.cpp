#include "tests/node/running_node.hpp"

#include "db/metrics.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr auto chain = R"(
name: chain
namespace_name: test
version: 1.0.0
identity_strategy: always_unique
steps:
  - {name: first, handler: {callable: number}}
  - {name: second, handler: {callable: increment, initialization: {from: first}}, dependencies: [first]}
  - {name: third, handler: {callable: increment, initialization: {from: second}}, dependencies: [second]}
)";

constexpr auto flaky = R"(
name: flaky
namespace_name: test
version: 1.0.0
identity_strategy: always_unique
steps:
  - name: only
    handler: {callable: flaky}
    retry: {max_attempts: 3, backoff: linear, backoff_base_ms: 1, max_backoff_ms: 1}
)";

std::map<std::string, handler_function> arithmetic() {
  return {
    {"number", [](const handler_context&) { return handler_success{"40"}; }},
    {"increment",
     [](const handler_context& context) {
       auto from = context.step_name() == "second" ? "first" : "second";
       return handler_success{std::to_string(std::stoi(std::string{*context.dependency_result(from)}) + 1)};
     }},
  };
}

} // namespace

TEST_CASE("handlers in the node's process run a task, one write per step") {
  running_node running;
  running.add_template(chain);
  local_worker worker{running.served->shared(), running.worker_options(), arithmetic()};
  auto before = running.served->database().figures();
  auto task = running.wait_for(running.create("chain"));
  auto after = running.served->database().figures();
  CHECK(task->state == task_state::complete);
  CHECK(task->steps[2].result.view() == "42");
  auto spent = [&](db_operation op) { return after.of(op).round_trips - before.of(op).round_trips; };
  CHECK(spent(db_operation::create_tasks) == 1);
  CHECK(spent(db_operation::commit_turns) == 3);
}

TEST_CASE("failures and exceptions of a handler are attempts; a permanent failure is the last one") {
  running_node running;
  running.add_template(flaky);
  std::atomic<int> calls{0};
  SUBCASE("the third attempt succeeds") {
    local_worker worker{running.served->shared(),
                        running.worker_options(),
                        {{"flaky", [&](const handler_context& context) -> handler_result {
                            ++calls;
                            if (context.attempt() == 1)
                              return handler_failure{"busy", "provider_busy", true, milliseconds{1}};
                            if (context.attempt() == 2)
                              throw std::runtime_error("broken");
                            return handler_success{};
                          }}}};
    auto task = running.wait_for(running.create("flaky"));
    CHECK(task->state == task_state::complete);
    CHECK(task->steps[0].attempts.size() == 3);
    CHECK(task->steps[0].error.view().find("broken") != std::string_view::npos);
  }
  SUBCASE("told not to retry") {
    local_worker worker{running.served->shared(),
                        running.worker_options(),
                        {{"flaky", [&](const handler_context&) -> handler_result {
                            ++calls;
                            return handler_failure{"never", "permanent_error", false, std::nullopt};
                          }}}};
    auto task = running.wait_for(running.create("flaky"));
    CHECK(task->state == task_state::error);
    CHECK(calls == 1);
  }
}

TEST_CASE("a node that stops lets running handlers report, and the next node goes on from rows") {
  running_node running;
  running.add_template(chain);
  auto id = running.create("chain");
  {
    local_worker worker{running.served->shared(), running.worker_options(1), arithmetic()};
    running.wait_for(id);
  }
  auto open = running.create("chain");
  CHECK(running.served->stop(std::chrono::seconds{10}));
  config settings;
  settings.server.listen = "127.0.0.1:0";
  settings.database.url = running.database.dsn();
  settings.node.shards = 3; // another number of shards reads the same rows
  auto next = node::start(settings);
  REQUIRE(next);
  running.served = std::move(*next);
  local_worker worker{running.served->shared(), running.worker_options(), arithmetic()};
  CHECK(running.wait_for(open)->state == task_state::complete);
}

TEST_CASE("hundreds of tasks at once over a pool of one connection") {
  running_node running{1};
  running.add_template(chain);
  std::vector<task_id> ids;
  for (int i = 0; i < 300; ++i)
    ids.push_back(running.create("chain"));
  local_worker worker{running.served->shared(), running.worker_options(8), arithmetic()};
  for (auto& id : ids)
    CHECK(running.wait_for(id)->state == task_state::complete);
  CHECK(running.database.number("SELECT count(*) FROM geartrain.attempts") == 900);
}

TEST_CASE("a worker that ends gives back what it has not begun, and no attempt is lost for it") {
  running_node running;
  running.add_template(chain);
  std::vector<task_id> ids;
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<int> begun{0};
  for (int i = 0; i < 20; ++i)
    ids.push_back(running.create("chain"));
  std::thread releases;
  {
    auto options = running.worker_options(1);
    options.prefetch = 100;
    auto slow = arithmetic();
    slow["number"] = [&](const handler_context&) {
      if (++begun == 1) {
        entered.set_value();
        leave.get_future().wait();
      }
      return handler_success{"40"};
    };
    local_worker first{running.served->shared(), options, slow};
    entered.get_future().wait();
    releases = std::thread{[&] { leave.set_value(); }};
  }
  releases.join();
  local_worker second{running.served->shared(), running.worker_options(), arithmetic()};
  for (auto& id : ids) {
    auto task = running.wait_for(id);
    CHECK(task->state == task_state::complete);
    CHECK(task->steps[0].attempts.size() == 1);
  }
}
