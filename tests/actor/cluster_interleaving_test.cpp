#include "tests/actor/cluster_sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <array>
#include <random>

// Nodes whose every step is drawn: which actor handles its next message, when time passes and how much of it, and what the
// database and the ways between the nodes do. The orders in which that differs from what other tests write down:
//
// - any message to any actor comes before or after any other one to another actor
// - beats of several nodes overlap: they are sent, done and answered in any order, with any delay, or lost before or after
// - drains, broken ways and deaths of a membership actor fall into the middle of claims and hand-overs
//
// At no moment two nodes hand out steps of the same partition; left alone, they soon serve everything again.

using namespace geartrain;
using namespace geartrain::sim;

namespace {

class explorer {
public:
  explicit explorer(std::uint32_t seed)
    : draw_(seed), nodes_(static_cast<std::uint8_t>(2 + seed % 2)), c_(nodes_, samples::linear(1)) {}

  void explore(int steps) {
    for (int i = 0; i < steps; ++i) {
      act();
      REQUIRE(c_.shared_partitions() == 0);
    }
  }

  /// The troubles are over.
  void check_recovery() {
    for (std::uint8_t number = 1; number <= nodes_; ++number)
      become(number, db_mood::prompt);
    c_.ways->mend(1, nodes_);
    pass(milliseconds{2000}); // a drain can be taken back once the node has beaten again
    for (std::uint8_t number = 1; number <= nodes_; ++number)
      c_.table().ask_drain({"node" + std::to_string(number), false});
    pass(milliseconds{15000});
    std::size_t served = 0;
    for (std::uint8_t number = 1; number <= nodes_; ++number) {
      CHECK(c_.served_by(number) > partition_count / nodes_ / 2u);
      served += c_.served_by(number);
    }
    CHECK(served == partition_count);
    for (std::uint8_t number = 1; number <= nodes_; ++number)
      CHECK(c_.map(number).peers().size() == nodes_ - 1u);
  }

private:
  void pass(milliseconds time) {
    for (milliseconds gone{0}; gone < time; gone += milliseconds{10}) {
      c_.pass(milliseconds{10});
      REQUIRE(c_.shared_partitions() == 0);
    }
  }

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(draw_()) % limit; }
  std::uint8_t any_node() { return static_cast<std::uint8_t>(1 + below(nodes_)); }

  void act() {
    switch (below(24)) {
      case 0:
        return become(any_node(), moods_[below(moods_.size())]);
      case 1:
        if (below(2) == 0) // seldom enough that some answers are kept back until others have taken over
          become(any_node(), db_mood::prompt);
        return;
      case 2:
      case 3:
        c_.table().ask_drain({"node" + std::to_string(any_node()), below(4) == 0});
        return;
      case 4:
        return kill_membership(any_node());
      case 5:
        return c_.ways->cut(1, nodes_);
      case 6:
        return c_.ways->mend(1, nodes_);
      case 7:
        return caf::anon_send(c_.node(any_node()).shared->actors->membership(), beat_now{});
      case 8:
      case 9:
      case 10:
        c_.node(1).scheduler.advance_time(milliseconds{1 + below(800)});
        return;
      default:
        return handle_messages(1 + below(60));
    }
  }

  /// What the database kept back it does, or answers, now.
  void become(std::uint8_t number, db_mood mood) {
    c_.rows().beat_moods[node_number(number)] = mood;
    if (mood == db_mood::prompt)
      if (auto db = c_.node(number).shared->actors->db())
        caf::anon_send(caf::actor_cast<fake_db_actor>(db), release_answers{});
  }

  /// After its last beat was done: its successor can't know of one that is done later. And not so often that the supervisor
  /// gives up.
  void kill_membership(std::uint8_t number) {
    if (++kills_[number] > 8)
      return;
    become(number, db_mood::prompt);
    c_.run();
    c_.node(number).kill(c_.node(number).shared->actors->membership());
  }

  void handle_messages(std::uint32_t count) {
    auto& jobs = c_.node(1).scheduler.jobs;
    for (; count > 0 && !jobs.empty(); --count) {
      std::iter_swap(jobs.begin(), jobs.begin() + below(static_cast<std::uint32_t>(jobs.size())));
      c_.node(1).scheduler.run_once();
      REQUIRE(c_.shared_partitions() == 0);
    }
  }

  static constexpr std::array<db_mood, 4> moods_{db_mood::slow, db_mood::holding, db_mood::lost_before,
                                                 db_mood::lost_after};

  std::mt19937 draw_;
  std::uint8_t nodes_;
  cluster_world c_;
  std::array<int, 4> kills_{};
};

} // namespace

TEST_CASE("interleavings: in no order of events two nodes serve the same partition, and all orders end well") {
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    CAPTURE(seed);
    explorer one{seed};
    one.explore(600);
    one.check_recovery();
  }
}
