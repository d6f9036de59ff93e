#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::sim;

namespace {

task_template fan_out(std::size_t width) {
  std::vector<samples::sample_step> steps{{"root", {}}};
  for (std::size_t i = 0; i < width; ++i)
    steps.push_back({"leaf" + std::to_string(i), {"root"}});
  return samples::make_template(steps);
}

} // namespace

TEST_CASE("a linear task takes one write per result and no read") {
  world w{samples::linear(4)};
  auto task = w.created();
  for (int step = 1; step <= 4; ++step) {
    auto leased = w.poll();
    REQUIRE(leased.size() == 1);
    CHECK(number_of(leased[0].held.token.step) == step);
    CHECK(w.finish(leased[0]) == report_status::accepted);
  }
  CHECK(w.rows->creates == 1);
  CHECK(w.rows->commits == 4);
  CHECK(w.rows->loads == 0);
  CHECK(w.rows->tasks[task->id].head.state == task_state::complete);
  CHECK(w.shared->turns->round_trips[1] == 4);
}

TEST_CASE("results that arrive during a turn form the next one together") {
  world w{fan_out(6)};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto leased = w.poll();
  REQUIRE(leased.size() == 6);
  w.rows->mood = db_mood::holding;
  std::vector<pending<report_answer>> answers;
  answers.push_back(w.report(leased[0]));
  w.run(); // the turn of the first one is with the database now
  for (std::size_t i = 1; i < 6; ++i)
    answers.push_back(w.report(leased[i]));
  w.run();
  CHECK_FALSE(answers[0].answered());
  w.rows->mood = db_mood::prompt;
  caf::anon_send(caf::actor_cast<fake_db_actor>(w.shared->actors->db()), release_answers{});
  w.run();
  for (auto& answer : answers)
    CHECK(answer.answer()->status == report_status::accepted);
  CHECK(w.rows->commits == 3); // root, the first leaf, the other five
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a write whose outcome is unknown is decided from the rows") {
  world w{samples::linear(2)};
  auto task = w.created();
  auto leased = w.poll();
  SUBCASE("it was done") {
    w.rows->mood = db_mood::lost_after;
  }
  SUBCASE("it was not done") {
    w.rows->mood = db_mood::lost_before;
  }
  auto answer = w.report(leased[0]);
  w.run();
  CHECK_FALSE(answer.answered());
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{500});
  REQUIRE(answer.answered());
  CHECK(answer.answer()->status == report_status::accepted);
  CHECK(w.rows->tasks[task->id].attempts.size() == 1);
  auto next = w.poll();
  REQUIRE(next.size() == 1);
  CHECK(w.finish(next[0]) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("while the database is away a report waits, and is refused as unavailable when its patience ends") {
  world w{samples::linear(1)};
  w.created();
  auto leased = w.poll();
  w.shared->settings.report_patience = milliseconds{2000};
  w.rows->mood = db_mood::lost_before;
  auto answer = w.report(leased[0]);
  w.pass(milliseconds{1500});
  CHECK_FALSE(answer.answered());
  w.pass(milliseconds{1500});
  REQUIRE(answer.answered());
  CHECK(answer.answer().error().code == errc::unavailable);
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{200});
  CHECK(w.finish(leased[0]) == report_status::accepted); // the worker sends it again
}

TEST_CASE("a lost compare-and-swap is decided again from what the other node wrote") {
  world w{samples::diamond()};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto leased = w.poll();
  REQUIRE(leased.size() == 2);
  // Another node commits the second branch behind our back.
  auto& rows = w.rows->tasks[task->id];
  step_outcome elsewhere;
  elsewhere.number = number_of(leased[1].held.token.step);
  elsewhere.attempt = 1;
  elsewhere.lease_nonce = leased[1].held.token.nonce;
  elsewhere.version = ++rows.version;
  rows.attempts.push_back(elsewhere);
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.shared->turns->conflicts == 1);
  CHECK(w.finish(leased[1]) == report_status::duplicate);
  auto last = w.poll();
  REQUIRE(last.size() == 1); // the join saw both
  CHECK(w.finish(last[0]) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a write that the database refuses for good fails its reports and nothing else") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto leased = w.poll();
  w.rows->mood = db_mood::refusing;
  auto answer = w.report(leased[0]);
  w.run();
  REQUIRE(answer.answered());
  CHECK(answer.answer().error().code == errc::storage);
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{200});
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("duplicates change nothing, outdated tokens are refused and recorded") {
  world w{samples::linear(2)};
  w.created();
  auto first = w.poll()[0];
  CHECK(w.finish(first) == report_status::accepted);
  CHECK(w.finish(first) == report_status::duplicate);
  auto other = first;
  other.held.token.nonce ^= 1;
  CHECK(w.finish(other) == report_status::stale);
  CHECK(w.rows->refused.size() == 1);
  CHECK(w.rows->commits == 1);
}

TEST_CASE("the same result twice in one call is accepted once") {
  world w{samples::linear(1)};
  w.created();
  auto leased = w.poll()[0];
  auto one = w.report(leased);
  auto two = w.report(leased);
  w.run();
  CHECK(one.answer()->status == report_status::accepted);
  CHECK(two.answer()->status == report_status::duplicate);
}

TEST_CASE("a report after the end of its task is a duplicate or stale, never applied") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto leased = w.poll()[0];
  w.finish(leased);
  CHECK(w.finish(leased) == report_status::duplicate);
  leased.held.token.nonce ^= 1;
  CHECK(w.finish(leased) == report_status::stale);
  leased.held.token.step = make_step_id(make_task_id(milliseconds{1}, 1), 1);
  CHECK(w.finish(leased) == report_status::invalid);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a task that was evicted costs one read more") {
  world w{samples::linear(2)};
  auto task = w.created();
  auto leased = w.poll();
  caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
  w.run();
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.rows->loads == 1);
  CHECK(w.rows->commits == 1);
  CHECK(w.shared->turns->round_trips[2] == 1);
}

TEST_CASE("a permanent failure ends the task when what runs is done") {
  world w{samples::diamond()};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto leased = w.poll();
  REQUIRE(leased.size() == 2);
  w.finish(leased[0], false, false);
  CHECK(w.state(task->id) == task_state::blocked_by_failures);
  CHECK(w.finish(leased[1]) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::error);
  CHECK(w.poll().empty());
  auto ended = *w.read(task->id);
  CHECK(ended->completed_at);
  CHECK(ended->count(step_state::pending) == 1);
}

TEST_CASE("a permanent failure takes back siblings that no worker has yet") {
  world w{samples::diamond()};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto leased = w.poll(1);
  REQUIRE(leased.size() == 1);
  w.finish(leased[0], false, false);
  CHECK(w.state(task->id) == task_state::error);
  CHECK(w.poll().empty());
}

TEST_CASE("a retry waits for its time and is dispatched without a write") {
  auto definition = samples::linear(1);
  definition.steps[0].retry.backoff = backoff_kind::linear;
  definition.steps[0].retry.backoff_base_ms = 1000;
  world w{std::move(definition)};
  auto task = w.created();
  w.finish(w.poll()[0], false);
  CHECK(w.state(task->id) == task_state::waiting_for_retry);
  w.pass(milliseconds{840}); // the jitter is 15 % at most
  CHECK(w.poll().empty());
  w.pass(milliseconds{330});
  CHECK(w.state(task->id) == task_state::steps_in_process);
  auto again = w.poll();
  REQUIRE(again.size() == 1);
  CHECK(again[0].held.token.attempt == 2);
  CHECK(w.rows->commits == 1);
  w.finish(again[0]);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("creation: concurrent equals make one task, a lost answer is asked again with the same id") {
  world w{samples::linear(1)};
  auto one = w.create("key");
  auto two = w.create("key");
  w.run();
  auto created = std::get<task_created>(*one.answer()).task;
  CHECK(std::get<duplicate_task>(*two.answer()).existing == created->id);
  w.rows->mood = db_mood::lost_after;
  auto lost = w.create();
  w.run();
  CHECK_FALSE(lost.answered());
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{200});
  REQUIRE(lost.answered());
  CHECK(std::holds_alternative<task_created>(*lost.answer()));
  CHECK(w.rows->tasks.size() == 2);
}

TEST_CASE("reading a task that does not exist says so") {
  world w{samples::linear(1)};
  auto answer = w.read(make_task_id(milliseconds{1}, 1));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::not_found);
}
