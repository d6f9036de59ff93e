#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::sim;

namespace {

constexpr milliseconds long_wait{60000};

} // namespace

TEST_CASE("who waits for a task is answered by the turn that ends it") {
  world w{samples::linear(2)};
  auto task = w.created();
  auto one = w.await_end(task->id, long_wait, 1);
  auto two = w.await_end(task->id, long_wait, 2);
  w.finish(w.poll()[0]);
  CHECK_FALSE(one.answered());
  auto last = w.poll();
  w.rows->mood = db_mood::holding;
  w.report(last[0]);
  w.run();
  CHECK_FALSE(one.answered()); // not before it is committed
  w.rows->mood = db_mood::prompt;
  caf::anon_send(caf::actor_cast<fake_db_actor>(w.shared->actors->db()), release_answers{});
  w.run();
  REQUIRE(one.answered());
  CHECK((*one.answer())->state == task_state::complete);
  CHECK((*two.answer())->state == task_state::complete);
  CHECK(w.rows->loads == 0);
}

TEST_CASE("a task that is over is answered at once, resident or not") {
  world w{samples::linear(1)};
  auto task = w.created();
  w.finish(w.poll()[0]);
  auto waiting = w.await_end(task->id, long_wait);
  REQUIRE(waiting.answered());
  CHECK((*waiting.answer())->state == task_state::complete);
  CHECK(w.rows->loads == 1);
}

TEST_CASE("an unknown task is not waited for") {
  world w{samples::linear(1)};
  auto waiting = w.await_end(make_task_id(milliseconds{1}, 1), long_wait);
  REQUIRE(waiting.answered());
  CHECK(waiting.answer().error().code == errc::not_found);
}

TEST_CASE("a wait that takes too long is answered with the state that the task has") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto late = w.await_end(task->id, milliseconds{900}, 1);
  auto early = w.await_end(task->id, milliseconds{300}, 2);
  auto none = w.await_end(task->id, milliseconds{0}, 3);
  REQUIRE(none.answered());
  w.pass(milliseconds{250});
  CHECK_FALSE(early.answered());
  w.pass(milliseconds{100});
  REQUIRE(early.answered());
  CHECK((*early.answer())->state == task_state::steps_in_process);
  CHECK_FALSE(late.answered());
  w.pass(milliseconds{600});
  REQUIRE(late.answered());
  CHECK(w.rows->loads == 0);
  w.finish(w.poll()[0]);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a waiter that goes away is forgotten, others stay") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto gone = w.await_end(task->id, long_wait, 1);
  auto stays = w.await_end(task->id, long_wait, 2);
  caf::anon_send(w.shared->actors->processor(0), wait_cancelled{task->id, 1});
  caf::anon_send(w.shared->actors->processor(0), wait_cancelled{make_task_id(milliseconds{1}, 1), 3});
  w.run();
  REQUIRE(gone.answered());
  CHECK(gone.answer().error().code == errc::dropped);
  CHECK_FALSE(stays.answered());
  w.pass(long_wait + milliseconds{100});
  CHECK((*stays.answer())->state == task_state::steps_in_process);
}

TEST_CASE("an evicted task is waited for all the same") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto leased = w.poll();
  auto ends = w.await_end(task->id, long_wait, 1);
  auto times_out = w.await_end(task->id, milliseconds{200}, 2);
  caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
  w.pass(milliseconds{300});
  REQUIRE(times_out.answered());
  CHECK((*times_out.answer())->state == task_state::steps_in_process);
  CHECK(w.rows->loads == 1);
  caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
  w.run();
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK((*ends.answer())->state == task_state::complete);
}

TEST_CASE("a wait lasts through a lost database and ends with the task") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto waiting = w.await_end(task->id, long_wait);
  w.rows->mood = db_mood::lost_after;
  w.report(w.poll()[0]);
  w.run();
  CHECK_FALSE(waiting.answered());
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{500});
  REQUIRE(waiting.answered());
  CHECK((*waiting.answer())->state == task_state::complete);
}

TEST_CASE("an operator's act ends a wait too") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto waiting = w.await_end(task->id, long_wait);
  w.act(task->id, act_kind::cancel_task);
  REQUIRE(waiting.answered());
  CHECK((*waiting.answer())->state == task_state::cancelled);
}

TEST_CASE("a stopping owner answers who waits, and lets nobody wait any more") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto evicted = w.created();
  auto one = w.await_end(task->id, long_wait, 1);
  auto two = w.await_end(task->id, long_wait, 2);
  auto third = w.await_end(evicted->id, long_wait, 3);
  caf::anon_send(w.shared->actors->processor(0), evict_task{evicted->id});
  w.run();
  pending<std::uint32_t> drained;
  caf::anon_send(w.shared->actors->processor(0), drain_request{drained.done()});
  w.run();
  CHECK(drained.answered());
  for (auto& waiting : {one, two, third, w.await_end(task->id, long_wait, 4)}) {
    REQUIRE(waiting.answered());
    CHECK((*waiting.answer())->state == task_state::steps_in_process);
  }
}

TEST_CASE("a wait is dropped with its owner, and can be asked again") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto waiting = w.await_end(task->id, long_wait);
  w.kill(w.shared->actors->processor(0));
  w.pass(milliseconds{500});
  REQUIRE(waiting.answered());
  CHECK(waiting.answer().error().code == errc::dropped);
  auto again = w.await_end(task->id, long_wait, 2);
  w.finish(w.poll()[0]);
  CHECK((*again.answer())->state == task_state::complete);
}
