#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::sim;

TEST_CASE("a cancelled task: its worker is told, its late result is refused and audited, nothing is dispatched") {
  world w{samples::diamond()};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto leased = w.poll(1);
  REQUIRE(leased.size() == 1);
  auto answer = w.act(task->id, act_kind::cancel_task);
  REQUIRE(answer.answered());
  CHECK((*answer.answer())->state == task_state::cancelled);
  CHECK(w.rows->commits == 2);
  CHECK(w.poll().empty());
  CHECK(w.heartbeat(leased[0].held.token) == heartbeat_status::cancelled);
  CHECK(w.finish(leased[0]) == report_status::stale);
  CHECK(w.rows->refused.size() == 1);
  CHECK(w.act(task->id, act_kind::cancel_task).answer().error().code == errc::conflict);
  CHECK(w.rows->tasks[task->id].facts.back().who == "ann");
}

TEST_CASE("a step that is leased while its task is being cancelled is taken from its worker") {
  world w{samples::linear(1)};
  auto task = w.created();
  w.rows->mood = db_mood::holding;
  auto answer = w.act(task->id, act_kind::cancel_task);
  CHECK_FALSE(answer.answered());
  auto leased = w.poll();
  REQUIRE(leased.size() == 1);
  w.rows->mood = db_mood::prompt;
  caf::anon_send(caf::actor_cast<fake_db_actor>(w.shared->actors->db()), release_answers{});
  w.run();
  CHECK(answer.answered());
  CHECK(w.heartbeat(leased[0].held.token) == heartbeat_status::cancelled);
  CHECK(w.finish(leased[0]) == report_status::stale);
}

TEST_CASE("an act whose write is in doubt is decided from the rows") {
  world w{samples::linear(1)};
  auto task = w.created();
  SUBCASE("it was done") {
    w.rows->mood = db_mood::lost_after;
  }
  SUBCASE("it was not done") {
    w.rows->mood = db_mood::lost_before;
  }
  auto answer = w.act(task->id, act_kind::cancel_task);
  CHECK_FALSE(answer.answered());
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{500});
  REQUIRE(answer.answered());
  REQUIRE(answer.answer());
  CHECK((*answer.answer())->state == task_state::cancelled);
  CHECK(w.rows->tasks[task->id].facts.size() == 1);
}

TEST_CASE("a paused task dispatches nothing until it is resumed, and what runs may finish") {
  world w{samples::diamond()};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto held = w.poll(1);
  REQUIRE(held.size() == 1);
  CHECK((*w.act(task->id, act_kind::pause_task).answer())->paused);
  CHECK(w.poll().empty());
  CHECK(w.finish(held[0]) == report_status::accepted);
  caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
  w.run();
  CHECK((*w.read(task->id))->paused);
  CHECK(w.poll().empty());
  CHECK_FALSE((*w.act(task->id, act_kind::resume_task).answer())->paused);
  CHECK(w.poll().size() == 1);
}

TEST_CASE("a paused namespace holds its steps, also those that became ready meanwhile") {
  world w{samples::linear(2)};
  auto task = w.created();
  auto first = w.poll();
  caf::anon_send(w.shared->actors->dispatcher(), set_pauses{{{"test", "", "ann", "", {}}}});
  w.run();
  CHECK(w.finish(first[0]) == report_status::accepted);
  CHECK(w.poll().empty());
  caf::anon_send(w.shared->actors->dispatcher(), set_pauses{});
  w.run();
  CHECK(w.poll().size() == 1);
}

TEST_CASE("timeout_seconds ends an attempt whatever heartbeats say") {
  auto definition = samples::linear(1);
  definition.steps[0].timeout_seconds = 2;
  world w{definition};
  auto task = w.created();
  auto leased = w.poll();
  REQUIRE(leased.size() == 1);
  for (int i = 0; i < 4; ++i) {
    CHECK(w.heartbeat(leased[0].held.token) == heartbeat_status::extended);
    w.pass(milliseconds{490});
  }
  w.pass(milliseconds{100});
  CHECK(w.heartbeat(leased[0].held.token) == heartbeat_status::lost);
  CHECK(w.finish(leased[0]) == report_status::stale);
  CHECK(w.rows->tasks[task->id].attempts.back().outcome == attempt_outcome::timed_out);
  w.pass(milliseconds{10});
  CHECK(w.poll().at(0).held.token.attempt == 2);
}

TEST_CASE("a yield ends the lease, not the attempt") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto first = w.poll();
  CHECK(w.checkpoint(first[0], report_kind::checkpoint, R"({"cursor":1})") == report_status::accepted);
  CHECK(w.checkpoint(first[0], report_kind::yield, R"({"cursor":2})") == report_status::accepted);
  CHECK(w.checkpoint(first[0], report_kind::yield, R"({"cursor":2})") == report_status::duplicate);
  CHECK(w.finish(first[0]) == report_status::stale);
  SUBCASE("also after the task was read again") {
    caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
    w.run();
    CHECK(w.finish(first[0]) == report_status::stale);
  }
  auto second = w.poll();
  REQUIRE(second.size() == 1);
  CHECK(second[0].held.token.attempt == 1);
  CHECK(second[0].step->checkpoint.view() == R"({"cursor":2})");
  CHECK(w.finish(second[0]) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a delayed task starts by itself, also after a restart of everything that knew of it") {
  world w{samples::linear(1)};
  auto task = w.created(milliseconds{5000});
  CHECK(task->state == task_state::pending);
  CHECK(w.poll().empty());
  SUBCASE("undisturbed") {}
  SUBCASE("the timers die") {
    w.kill(w.shared->actors->timers());
    w.run();
  }
  w.pass(milliseconds{4900});
  CHECK(w.poll().empty());
  w.pass(milliseconds{300});
  CHECK(w.poll().size() == 1);
  CHECK(w.state(task->id) == task_state::steps_in_process);
}

TEST_CASE("an overdue task ends in error with a dead letter, and a redrive brings it back") {
  auto definition = samples::linear(2);
  definition.lifecycle.max_steps_in_process = std::chrono::minutes{1};
  world w{definition};
  auto task = w.created();
  auto leased = w.poll();
  CHECK(w.rows->tasks[task->id].head.deadline_at);
  w.rows->overdue = {task->id};
  w.pass(milliseconds{4000});
  CHECK(w.state(task->id) == task_state::steps_in_process); // looked at, and not due yet
  w.heartbeat(leased[0].held.token);
  w.pass(milliseconds{60000});
  CHECK(w.state(task->id) == task_state::error);
  REQUIRE(w.rows->dead_letters[task->id].size() == 1);
  CHECK(w.rows->dead_letters[task->id][0].reason == dead_letter_reason::staleness_timeout);
  CHECK(w.finish(leased[0]) == report_status::stale);
  w.rows->overdue.clear();
  CHECK((*w.act(task->id, act_kind::redrive_task).answer())->state == task_state::steps_in_process);
  CHECK(w.poll().size() == 1);
}

TEST_CASE("attempts that run out make a dead letter, a permanent failure makes none") {
  auto definition = samples::linear(1);
  definition.steps[0].retry.max_attempts = 2;
  world w{definition};
  auto task = w.created();
  SUBCASE("by failures") {
    w.finish(w.poll()[0], false);
    w.pass(milliseconds{10});
    w.finish(w.poll()[0], false);
    CHECK(w.rows->dead_letters[task->id].at(0).reason == dead_letter_reason::max_retries_exceeded);
  }
  SUBCASE("by expiries") {
    w.poll();
    w.pass(milliseconds{30100});
    w.poll();
    w.pass(milliseconds{30100});
    CHECK(w.rows->dead_letters[task->id].at(0).reason == dead_letter_reason::worker_unavailable);
  }
  SUBCASE("for good") {
    w.finish(w.poll()[0], false, false);
    CHECK(w.rows->dead_letters[task->id].empty());
  }
  CHECK(w.state(task->id) == task_state::error);
}

TEST_CASE("the inbox: a good request becomes a task, a bad one a dead letter") {
  world w{samples::linear(1)};
  w.shared->read_inbox_row = [](const inbox_row& row) -> expected<create_task> {
    if (row.name.empty())
      return failure{errc::invalid, "no name"};
    create_task task;
    task.namespace_name = row.namespace_name;
    task.name = row.name;
    task.input.context = json_text{"{}"};
    task.identity = identity_strategy::always_unique;
    return task;
  };
  auto row = [](const std::string& name, std::uint8_t id) {
    inbox_row one;
    one.id.bytes[0] = id;
    one.namespace_name = "test";
    one.name = name;
    return one;
  };
  w.rows->inbox = {row("sample", 1), row("", 2), row("unknown", 3)};
  caf::anon_send(w.shared->actors->inbox(), tick{});
  w.run();
  CHECK(w.rows->inbox.empty());
  CHECK(w.rows->tasks.size() == 1);
  CHECK(w.rows->refused_requests.size() == 2);
  CHECK(w.poll().size() == 1);
}
