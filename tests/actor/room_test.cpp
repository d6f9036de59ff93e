#include "actors/resident_room.hpp"
#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::sim;

TEST_CASE("one template takes four fifths of the room, the next four fifths of the rest") {
  resident_room room;
  for (std::int64_t which : {1, 2})
    while (room.fits(which, 100))
      room.enter(which);
  CHECK(room.taken() == 96);
  CHECK(room.fits(3, 100));
  room.leave(1);
  CHECK_FALSE(room.fits(1, 100)); // it has 79, and 5 are free
  CHECK(room.fits(2, 100));
}

TEST_CASE("templates that were left out stay so until all open tasks were looked at") {
  resident_room room;
  while (room.fits(1, 10))
    room.enter(1);
  room.leave_out(1);
  CHECK_FALSE(room.is_worth_a_look(10));
  room.leave(1);
  room.leave(1);
  CHECK(room.is_worth_a_look(10));
  room.begin_look();
  CHECK(room.has_left_out());
  CHECK_FALSE(room.is_full(10));
  room.enter(1);
  room.enter(1);
  CHECK(room.is_full(10));
  room.end_look(false);
  CHECK(room.has_left_out());
  room.begin_look();
  room.end_look(true);
  CHECK_FALSE(room.has_left_out());
}

TEST_CASE("a task that finds no room waits in the database and is fetched when another one ends") {
  world w{samples::linear(1)};
  w.shared->settings.max_resident = 1;
  auto first = w.created();
  auto second = w.created();
  CHECK(w.shared->turns->shards_full == 1);
  auto leased = w.poll();
  REQUIRE(leased.size() == 1); // the second one is not even offered
  CHECK(w.rows->loads == 0);
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.rows->loads == 1);
  CHECK(w.shared->turns->shards_full == 0);
  CHECK(w.finish(w.poll().at(0)) == report_status::accepted);
  CHECK(w.state(first->id) == task_state::complete);
  CHECK(w.state(second->id) == task_state::complete);
}

TEST_CASE("what has only to be waited for leaves for what has work") {
  world w{samples::linear(1)};
  w.shared->settings.max_resident = 1;
  auto held = w.created();
  auto leased = w.poll();
  auto ready = w.created(); // the first one is with a worker
  CHECK(w.shared->turns->shards_full == 0);
  CHECK(w.poll().size() == 1);
  CHECK(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.rows->loads == 1);
  CHECK(w.state(held->id) == task_state::complete);
  CHECK(w.state(ready->id) == task_state::steps_in_process);
}

TEST_CASE("a task over the bound is worked on all the same, and leaves as soon as it rests") {
  world w{samples::linear(3)};
  w.shared->settings.max_resident = 1;
  auto task = w.created();
  auto leased = w.poll();
  w.created(); // takes its place, and keeps it: nobody has its step
  REQUIRE(w.finish(leased[0]) == report_status::accepted);
  CHECK(w.rows->loads == 1);
  leased = w.poll();
  REQUIRE(leased.size() == 2);
  auto next = task_of(leased[0].held.token.step) == task->id ? leased[0] : leased[1];
  CHECK(w.finish(next) == report_status::accepted);
  CHECK(w.rows->loads == 2);
}

TEST_CASE("a task that sleeps leaves for others, and its time brings it back") {
  world w{samples::linear(1)};
  w.shared->settings.max_resident = 1;
  auto sleeper = w.created(milliseconds{5000});
  auto other = w.created();
  CHECK(w.finish(w.poll().at(0)) == report_status::accepted);
  CHECK(w.state(other->id) == task_state::complete);
  CHECK(w.poll().empty());
  w.pass(milliseconds{5100});
  CHECK(w.finish(w.poll().at(0)) == report_status::accepted);
  CHECK(w.state(sleeper->id) == task_state::complete);
}

TEST_CASE("a task that begins later needs no room until then") {
  world w{samples::linear(1)};
  w.shared->settings.max_resident = 1;
  w.created();
  auto later = w.created(milliseconds{5000});
  CHECK(w.shared->turns->shards_full == 0);
  CHECK(w.poll().size() == 1);
  w.pass(milliseconds{5100});
  CHECK(w.finish(w.poll().at(0)) == report_status::accepted);
  CHECK(w.state(later->id) == task_state::complete);
}

TEST_CASE("what was known of a task that was away is forgotten when its partition goes") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto before = w.poll().at(0);
  caf::anon_send(w.shared->actors->processor(0), evict_task{task->id});
  auto partition = partition_of(task->id);
  w.shared->actors->cluster().serve(partition, false);
  pending<std::uint32_t> gone;
  caf::anon_send(w.shared->actors->dispatcher(), lose_partitions{{partition}, gone.done()});
  caf::anon_send(w.shared->actors->processor(0), lose_partitions{{partition}, gone.done()});
  w.run();
  auto after = before; // the other node had it back from its worker, and gave it to one again
  after.held.token.nonce ^= 1;
  w.rows->claims[after.held.token.step] = after.held;
  w.shared->actors->cluster().serve(partition, true);
  caf::anon_send(w.shared->actors->processor(0), gain_partitions{{partition}});
  w.run();
  CHECK(w.finish(after) == report_status::accepted);
  CHECK(w.state(task->id) == task_state::complete);
}

TEST_CASE("a recovery leaves sleeping tasks in the database until they are due") {
  world w{samples::linear(1)};
  auto sleeper = w.created(milliseconds{60000});
  w.kill(w.shared->actors->processor(0));
  w.kill(w.shared->actors->timers());
  w.pass(milliseconds{1000});
  CHECK(w.rows->loads == 0);
  w.pass(milliseconds{59100});
  CHECK(w.rows->loads == 1);
  CHECK(w.finish(w.poll().at(0)) == report_status::accepted);
  CHECK(w.state(sleeper->id) == task_state::complete);
}

TEST_CASE("times over the bound are forgotten and asked for again before they come") {
  world w{samples::linear(1)};
  std::vector<task_snapshot> sleepers;
  for (int minute = 1; minute <= 6; ++minute)
    sleepers.push_back(w.created(std::chrono::minutes{minute}));
  w.shared->settings.max_resident = 2;
  w.created(std::chrono::minutes{7}); // from here on four of the times are too many
  w.kill(w.shared->actors->timers());
  w.run();
  for (auto& sleeper : sleepers) {
    w.pass(std::chrono::minutes{1});
    for (auto& step : w.poll())
      CHECK(w.finish(step) == report_status::accepted);
    CHECK(w.state(sleeper->id) == task_state::complete);
  }
}
