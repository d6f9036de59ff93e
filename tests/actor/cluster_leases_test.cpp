#include "tests/actor/cluster_sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>

// Partitions on their way between real nodes, in every order of what can happen meanwhile:
//
// - two nodes claim the same partitions at once: one compare-and-swap is lost
// - partitions are taken over after the row of their owner expired, before and after the owner knows; it comes back
// - partitions are gained again while their hand-over is still open, and while a turn of theirs is
// - the receiver of a hand-over ends before it, in the middle of it, and after it
// - a node crashes, drains, hands over and leaves, or is cut off from the database, in all orders of two of these

using namespace geartrain;
using namespace geartrain::sim;

namespace {

/// Lets time pass, and looks at each moment that no partition has two masters.
void pass_watched(cluster_world& c, milliseconds time) {
  for (milliseconds gone{0}; gone < time; gone += milliseconds{10}) {
    c.pass(milliseconds{10});
    REQUIRE(c.shared_partitions() == 0);
  }
}

/// Every partition is served by exactly one of those that run, as the table says.
void check_complete(cluster_world& c) {
  CHECK(c.shared_partitions() == 0);
  std::size_t served = 0;
  for (auto number : c.running()) {
    CHECK(c.table().owned_by(node_number(number)) == c.served_by(number));
    served += c.served_by(number);
  }
  CHECK(served == partition_count);
}

} // namespace

TEST_CASE("leases: nodes that start together share without a partition that two serve") {
  for (std::uint8_t count = 2; count <= 4; ++count) {
    cluster_world c{count, samples::linear(1)};
    check_complete(c);
    for (std::uint8_t number = 1; number <= count; ++number)
      CHECK(c.served_by(number) > 256u / count / 2);
  }
}

TEST_CASE("leases: of two that claim the same partition one loses the compare-and-swap, and serves it not") {
  cluster_world c{3, samples::linear(1)};
  c.crash(3);
  // Both survivors believe to be alone: each claims everything that the third one had.
  c.rows().beat_moods[node_number(1)] = db_mood::slow;
  c.table().members.at(node_number(3)).expires_at = c.node(1).shared->now();
  auto before = c.table().partitions;
  beat_unit stale;
  stale.self = member_number(2);
  stale.valid_for = milliseconds{3500};
  for (std::uint16_t p = 0; p < partition_count; ++p)
    if (before[p].owner == node_number(3))
      stale.moves.push_back({p, before[p].term, node_number(2)});
  c.pass(milliseconds{1100});
  c.rows().beat_moods[node_number(1)] = db_mood::prompt;
  c.release_beats(1);    // has read that the third one is gone, and plans its claims
  c.table().beat(stale); // the second one is faster, and claims more than is placed on it
  auto lost = c.table().moves_lost;
  pass_watched(c, milliseconds{1000});
  CHECK(c.table().moves_lost > lost);
  for (auto& move : stale.moves)
    CHECK(c.table().partitions[move.partition].term >= move.term + 1);
  pass_watched(c, milliseconds{5000});
  check_complete(c);
}

TEST_CASE("leases: an owner that is cut off stops before it is replaced, and gives way when it comes back") {
  for (auto mood : {db_mood::lost_before, db_mood::lost_after, db_mood::holding, db_mood::slow}) {
    cluster_world c{2, samples::linear(1)};
    c.rows().beat_moods[node_number(2)] = mood;
    pass_watched(c, milliseconds{12000});
    if (mood == db_mood::lost_after) { // others see its beats: it keeps its share, and hands out nothing of it
      CHECK(c.table().owned_by(node_number(2)) > 0);
    } else {
      CHECK(c.table().owned_by(node_number(1)) == partition_count);
      CHECK(c.served_by(1) == partition_count);
    }
    CHECK_FALSE(c.map(2).is_certain());
    c.rows().beat_moods[node_number(2)] = db_mood::prompt;
    c.release_beats(2);
    REQUIRE(c.shared_partitions() == 0); // what it hears now was true long ago
    pass_watched(c, milliseconds{6000});
    check_complete(c);
    CHECK(c.served_by(2) > 64);
  }
}

TEST_CASE("leases: a task that is written after its partition went to another node is known there soon") {
  cluster_world c{2, samples::linear(1)};
  c.rows().mood = db_mood::slow;
  pending<create_task_result> created;
  caf::anon_send(c.node(2).shared->actors->intake(0),
                 create_task_request{sample_creation(std::nullopt), created.done()});
  c.run();
  c.rows().mood = db_mood::prompt;
  c.rows().beat_moods[node_number(2)] = db_mood::lost_before;
  c.pass(milliseconds{7000});
  CHECK(c.table().owned_by(node_number(1)) == partition_count); // and what was there has been read
  CHECK_FALSE(created.answered());
  c.release_beats(2); // only now the task is written, and node 2 does not know yet what it has lost
  REQUIRE(created.answered());
  REQUIRE(created.answer());
  c.pass(milliseconds{2500});
  auto steps = c.node(1).poll();
  REQUIRE(steps.size() == 1);
  CHECK(c.node(1).finish(steps[0]) == report_status::accepted);
}

TEST_CASE("leases: partitions that come back while their hand-over is open are served again once it is over") {
  cluster_world c{1, samples::linear(1)};
  auto task = c.node(1).created();
  auto leased = c.node(1).poll();
  REQUIRE(leased.size() == 1);
  c.rows().mood = db_mood::holding; // the claim's answer: the hand-over stays open
  c.table().add(member_number(2), std::chrono::hours{1});
  c.table().ask_drain({"node1", true});
  c.beat(1);
  c.pass(milliseconds{50});
  CHECK(c.served_by(1) == 0);
  CHECK(c.table().owned_by(node_number(1)) == partition_count);
  c.table().ask_drain({"node1", false});
  SUBCASE("the receiver ends before") {
    c.table().leave(node_number(2));
  }
  SUBCASE("the receiver stays, and gets its share only") {}
  c.pass(milliseconds{1100});
  CHECK(c.served_by(1) == 0); // not before it has let go
  c.rows().mood = db_mood::prompt;
  c.release_beats(1);
  c.pass(milliseconds{2000});
  CHECK(c.served_by(1) == c.table().owned_by(node_number(1)));
  CHECK(c.served_by(1) > 64);
  if (c.map(1).serves(task->id)) {
    CHECK(c.node(1).heartbeat(leased[0].held.token) == heartbeat_status::extended);
    CHECK(c.node(1).finish(leased[0]) == report_status::accepted);
  }
}

TEST_CASE("leases: no partition is given away while a turn of one of its tasks is open") {
  cluster_world c{1, samples::linear(2)};
  auto task = c.node(1).created();
  auto leased = c.node(1).poll();
  c.pass(milliseconds{1500}); // the claim is recorded
  c.rows().mood = db_mood::holding;
  auto report = c.node(1).report(leased[0]);
  c.run();
  c.table().add(member_number(2), std::chrono::hours{1});
  c.table().ask_drain({"node1", true});
  c.pass(milliseconds{4000});
  CHECK(c.served_by(1) == 0);
  CHECK(c.table().partitions[partition_of(task->id)].owner == node_number(1));
  CHECK_FALSE(report.answered());
  c.rows().mood = db_mood::prompt;
  c.release_beats(1);
  c.pass(milliseconds{2500});
  REQUIRE(report.answered());
  CHECK(report.answer()->status == report_status::accepted);
  CHECK(c.table().owned_by(node_number(2)) == partition_count);
}

TEST_CASE("leases: a hand-over whose receiver ends goes to who is left") {
  for (int crash_after : {0, 10, 20, 1000, 3000}) {
    cluster_world c{3, samples::linear(1)};
    auto over = c.hand_over(1);
    pass_watched(c, milliseconds{crash_after});
    c.crash(2);
    pass_watched(c, milliseconds{6000});
    REQUIRE(over.answered());
    CHECK(c.served_by(1) == 0);
    CHECK(c.table().owned_by(node_number(1)) == 0);
    CHECK(c.served_by(3) == partition_count);
  }
}

TEST_CASE("leases: any two troubles after each other, on any nodes, leave every partition with one master") {
  enum class trouble { crash, drain, hand_over, cut_off, membership_dies };
  const std::vector all{trouble::crash, trouble::drain, trouble::hand_over, trouble::cut_off, trouble::membership_dies};
  auto befall = [](cluster_world& c, std::uint8_t number, trouble what) {
    if (!c.runs(number))
      return;
    switch (what) {
      case trouble::crash:
        return c.crash(number);
      case trouble::drain:
        c.table().ask_drain({"node" + std::to_string(number), true});
        return;
      case trouble::hand_over: {
        auto over = c.hand_over(number);
        pass_watched(c, milliseconds{1500});
        c.leave(number);
        return c.crash(number);
      }
      case trouble::cut_off:
        c.rows().beat_moods[node_number(number)] = db_mood::lost_before;
        return;
      case trouble::membership_dies:
        return c.node(number).kill(c.node(number).shared->actors->membership());
    }
  };
  for (auto first : all)
    for (auto second : all)
      for (std::uint8_t victim = 2; victim <= 3; ++victim) {
        CAPTURE(static_cast<int>(first));
        CAPTURE(static_cast<int>(second));
        cluster_world c{3, samples::linear(1)};
        befall(c, 2, first);
        pass_watched(c, milliseconds{300});
        befall(c, victim, second);
        pass_watched(c, milliseconds{5000});
        c.rows().beat_moods.clear();
        for (auto number : c.running())
          c.table().ask_drain({"node" + std::to_string(number), false});
        pass_watched(c, milliseconds{7000});
        check_complete(c);
      }
}

TEST_CASE("leases: a node that starts again is another one, and waits for what its predecessor still holds") {
  cluster_world c{2, samples::linear(1)};
  c.crash(2);
  c.table().members.at(node_number(2)).told.name = "before";
  c.start(3);
  pass_watched(c, milliseconds{2000});
  CHECK(c.table().owned_by(node_number(2)) > 0);
  pass_watched(c, milliseconds{6000});
  CHECK(c.table().owned_by(node_number(2)) == 0);
  check_complete(c);
}
