#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>

using namespace geartrain;
using namespace geartrain::sim;

namespace {

/// Every actor that a running task depends on, by name.
std::map<std::string, std::function<void(world&)>> killers() {
  return {
    {"db", [](world& w) { w.kill(w.shared->actors->db()); }},
    {"timers", [](world& w) { w.kill(w.shared->actors->timers()); }},
    {"step_dispatcher", [](world& w) { w.kill(w.shared->actors->dispatcher()); }},
    {"task_coordinator", [](world& w) { w.kill(w.shared->actors->coordinator(0)); }},
    {"task_finalizer", [](world& w) { w.kill(w.shared->actors->finalizer(0)); }},
    {"result_processor", [](world& w) { w.kill(w.shared->actors->processor(0)); }},
    {"task_intake", [](world& w) { w.kill(w.shared->actors->intake(0)); }},
  };
}

/// Works until the task is over; reports that were lost with an actor are sent again, as a worker would.
void work_until_done(world& w, const task_id& id, std::vector<leased_step> held) {
  for (int round = 0; round < 20; ++round) {
    for (auto& step : held) {
      auto answer = w.report(step);
      w.pass(milliseconds{300});
      if (answer.answered() && !answer.answer())
        w.finish(step);
    }
    held = w.poll();
    if (is_terminal(w.rows->tasks[id].head.state))
      return;
    if (held.empty())
      w.pass(milliseconds{31000}); // somebody's lease has to expire first
  }
}

} // namespace

TEST_CASE("an actor that dies between turns is restarted with nothing lost") {
  for (auto& [role, kill] : killers()) {
    CAPTURE(role);
    world w{samples::mixed_dag()};
    auto task = w.created();
    w.finish(w.poll()[0]);
    kill(w);
    w.pass(milliseconds{100});
    work_until_done(w, task->id, {});
    CHECK(w.rows->tasks[task->id].head.state == task_state::complete);
    CHECK(w.rows->tasks[task->id].attempts.size() == 7);
    CHECK_FALSE(w.given_up);
  }
}

TEST_CASE("an actor that dies while a turn is with the database is restarted and the turn is done again") {
  for (auto& [role, kill] : killers()) {
    CAPTURE(role);
    world w{samples::mixed_dag()};
    auto task = w.created();
    auto leased = w.poll();
    w.rows->mood = db_mood::holding;
    auto answer = w.report(leased[0]);
    w.run();
    kill(w);
    w.rows->mood = db_mood::prompt;
    w.pass(milliseconds{500});
    caf::anon_send(caf::actor_cast<fake_db_actor>(w.shared->actors->db()), release_answers{});
    w.pass(milliseconds{500});
    REQUIRE(answer.answered()); // with a status, or as dropped: never silence
    work_until_done(w, task->id, {});
    CHECK(w.rows->tasks[task->id].head.state == task_state::complete);
    CHECK(w.rows->tasks[task->id].attempts.size() == 7);
  }
}

TEST_CASE("leases survive the death of their dispatcher and of the task's owner") {
  for (auto& role : {"step_dispatcher", "result_processor"}) {
    CAPTURE(role);
    world w{samples::linear(2)};
    auto task = w.created();
    auto held = w.poll();
    w.pass(milliseconds{1500}); // recorded
    killers().at(role)(w);
    w.pass(milliseconds{200});
    CHECK(w.poll().empty());
    CHECK(w.heartbeat(held[0].held.token) == heartbeat_status::extended);
    CHECK(w.finish(held[0]) == report_status::accepted);
    CHECK(w.rows->tasks[task->id].attempts.size() == 1);
  }
}

TEST_CASE("a retry is armed again after the death of the timers") {
  auto definition = samples::linear(1);
  definition.steps[0].retry.backoff = backoff_kind::linear;
  definition.steps[0].retry.backoff_base_ms = 1000;
  world w{std::move(definition)};
  w.created();
  w.finish(w.poll()[0], false);
  killers().at("timers")(w);
  w.pass(milliseconds{1300});
  CHECK(w.poll().size() == 1);
}

TEST_CASE("tasks that only rows know of come back after a start, with their claims") {
  world w{samples::linear(1)};
  auto id = make_task_id(milliseconds{1700000000000}, 99 << 16);
  auto claimed = make_task_id(milliseconds{1700000000000}, 98 << 16);
  for (auto& task : {id, claimed}) {
    auto& rows = w.rows->tasks[task];
    rows.head.id = task;
    rows.head.template_id = 1;
    rows.head.state = task_state::steps_in_process;
  }
  lease held;
  held.token = {make_step_id(claimed, 1), 1, 0, 1, 4711, w.shared->now() + std::chrono::seconds{5}};
  held.claimed_at = w.shared->now();
  held.expires_at = held.token.expires_at;
  w.rows->claims[held.token.step] = held;
  pending<std::uint32_t> recovered;
  caf::anon_send(w.shared->actors->processor(0), recover_request{recovered.done()});
  w.run();
  REQUIRE(recovered.answered());
  CHECK(*recovered.answer() == 2);
  auto ready = w.poll();
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].held.token.step == make_step_id(id, 1));
  w.pass(milliseconds{5100});
  auto expired = w.poll();
  REQUIRE(expired.size() == 1);
  CHECK(expired[0].held.token.step == make_step_id(claimed, 1));
  CHECK(expired[0].held.token.attempt == 2);
}

TEST_CASE("more tasks than fit into a page come back too") {
  world w{samples::linear(1)};
  for (std::uint64_t i = 1; i <= 1200; ++i) {
    auto id = make_task_id(milliseconds{1700000000000}, i << 16);
    auto& rows = w.rows->tasks[id];
    rows.head.id = id;
    rows.head.template_id = 1;
    rows.head.state = task_state::steps_in_process;
  }
  pending<std::uint32_t> recovered;
  caf::anon_send(w.shared->actors->processor(0), recover_request{recovered.done()});
  w.run();
  REQUIRE(recovered.answered());
  CHECK(*recovered.answer() == 1200);
  CHECK(w.poll(2000).size() == 1200);
}

TEST_CASE("an actor that dies again and again is given up") {
  world w{samples::linear(1)};
  for (int i = 0; i < 12 && !w.given_up; ++i) {
    w.kill(w.shared->actors->timers());
    w.pass(milliseconds{11000} / 2);
  }
  CHECK(w.given_up == "timers");
}

TEST_CASE("a request in the mailbox of a dying actor is answered as dropped") {
  world w{samples::linear(1)};
  auto handle = w.shared->actors->intake(0);
  w.kill(handle);
  auto lost = w.create();
  w.run();
  REQUIRE(lost.answered());
  CHECK(lost.answer().error().code == errc::dropped);
}
