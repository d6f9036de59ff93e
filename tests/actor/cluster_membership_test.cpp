#include "tests/actor/scripted_peer.hpp"
#include "tests/support/sample_templates.hpp"
#include "workflow/placement.hpp"

#include <doctest/doctest.h>

// What a node believes of itself and of the others, for every order in which beats are answered and members come and go:
//
// - a beat answered in time, late, after another one was asked for, not at all, and done although its answer was lost
// - a node that is alone, one that gets company, one that is alone again
// - the membership actor dies and goes on, before and after others come
// - a member joins, stops beating, leaves, and comes again; one of another wire version; one whose process is gone
// - drain asked, done and taken back; hand-over and leaving while a beat is under way, and with nobody to take over

using namespace geartrain;
using namespace geartrain::sim;

namespace {

/// One node and the table, which the test may write to.
struct single : world {
  explicit single(milliseconds age = milliseconds{100}) : world(samples::linear(1), wiring_of(1)) { pass(age); }

  fake_cluster& table() { return rows->cluster; }
  cluster_map& map() { return shared->actors->cluster(); }
  db_mood& beats() { return rows->beat_moods[*map().self()]; }

  void beat() {
    caf::anon_send(shared->actors->membership(), beat_now{});
    run();
  }
  void release() {
    caf::anon_send(caf::actor_cast<fake_db_actor>(shared->actors->db()), release_answers{});
    run();
  }
  void join(std::uint8_t number, milliseconds valid_for = std::chrono::hours{1}) {
    table().add(member_number(number), valid_for);
    beat();
    pass(milliseconds{100});
  }
  template <class Ask>
  pending<std::uint32_t> ask() {
    pending<std::uint32_t> result;
    caf::anon_send(shared->actors->membership(), Ask{result.done()});
    run();
    return result;
  }
  std::size_t owned() { return table().owned_by(*map().self()); }
};

} // namespace

TEST_CASE("membership: a node that is alone takes everything, and beats more seldom") {
  single w{milliseconds{0}};
  auto joined = w.ask<join_cluster>();
  w.pass(milliseconds{100});
  CHECK(joined.answered());
  CHECK(w.owned() == partition_count);
  CHECK(w.map().partitions_served() == partition_count);
  auto before = w.table().beats;
  w.pass(milliseconds{9000});
  CHECK(w.table().beats == before + 3);
  w.join(2);
  before = w.table().beats;
  w.pass(milliseconds{9000});
  CHECK(w.table().beats == before + 9);
}

TEST_CASE("membership: a node believes in its partitions as long as its row is valid, and no longer") {
  single w;
  auto company = false;
  SUBCASE("alone") {}
  SUBCASE("with company") {
    company = true;
    w.join(2);
    w.pass(milliseconds{1000});
  }
  w.beat();
  w.beats() = db_mood::lost_before;
  auto ends = w.table().members.at(node_number(1)).expires_at;
  CHECK(ends - w.shared->now() == (company ? milliseconds{3500} : milliseconds{9000}));
  while (w.shared->now() < ends) {
    CHECK(w.map().is_certain());
    w.pass(milliseconds{10});
  }
  CHECK_FALSE(w.map().is_certain());
  CHECK(w.map().partitions_served() > 0); // it knows of nobody else who does
  w.beats() = db_mood::prompt;
  w.pass(milliseconds{250});
  CHECK(w.map().is_certain());
}

TEST_CASE("membership: an answer counts from when the beat was sent") {
  for (auto mood : {db_mood::holding, db_mood::slow}) {
    single w;
    w.join(2);
    w.pass(milliseconds{1000});
    w.beats() = mood;
    w.beat();
    auto sent = w.shared->now();
    auto done = w.table().beats;
    w.pass(milliseconds{3000});
    CHECK(w.table().beats == done); // one at a time, however late
    CHECK(w.map().is_certain());
    w.pass(milliseconds{1000});
    CHECK_FALSE(w.map().is_certain());
    w.beats() = db_mood::prompt;
    w.release(); // four seconds old: nothing follows from it
    CHECK_FALSE(w.map().is_certain());
    CHECK(w.table().members.at(node_number(1)).expires_at >= sent + milliseconds{3500});
    w.pass(milliseconds{1050});
    CHECK(w.map().is_certain());
  }
}

TEST_CASE("membership: what is asked while a beat is under way is done right after it, once") {
  single w;
  w.join(2);
  w.beats() = db_mood::holding;
  w.beat();
  auto done = w.table().beats;
  for (int i = 0; i < 5; ++i)
    w.beat();
  CHECK(w.table().beats == done);
  w.beats() = db_mood::prompt;
  w.release();
  w.pass(milliseconds{10});
  CHECK(w.table().beats == done + 1);
}

TEST_CASE("membership: a beat that was done although its answer was lost does its moves once") {
  single w;
  w.join(2, milliseconds{3500});
  w.pass(milliseconds{3300});
  auto before = w.table().partitions;
  REQUIRE(w.table().owned_by(node_number(2)) > 0);
  w.pass(milliseconds{200});
  w.beat(); // reads that the other one is gone
  w.beats() = db_mood::lost_after;
  w.pass(milliseconds{10});
  CHECK(w.owned() == partition_count);
  CHECK(w.map().partitions_served() < partition_count); // nobody has told it
  w.beats() = db_mood::prompt;
  w.pass(milliseconds{250});
  CHECK(w.map().partitions_served() == partition_count);
  for (std::uint16_t p = 0; p < partition_count; ++p)
    CHECK(w.table().partitions[p].term <= before[p].term + 1);
  CHECK(w.table().moves_lost > 0); // it asked for them again, and met another term
}

TEST_CASE("membership: after failed beats nobody is replaced before it could beat again") {
  single w;
  w.join(2);
  w.pass(milliseconds{1000});
  w.table().partitions.fill({node_number(2), 7});
  w.beat();
  w.beats() = db_mood::lost_before;
  w.pass(milliseconds{5000});
  w.table().members.at(node_number(2)).expires_at = w.shared->now(); // it could not beat either
  w.beats() = db_mood::prompt;
  w.pass(milliseconds{300});
  CHECK_FALSE(w.table().is_alive(node_number(2)));
  CHECK(w.owned() == 0);
  SUBCASE("it does: everything stays") {
    w.table().members.at(node_number(2)).expires_at += std::chrono::hours{1};
    w.pass(milliseconds{5000});
    CHECK(w.table().owned_by(node_number(2)) == partition_count);
  }
  SUBCASE("it does not: it is replaced") {
    w.pass(milliseconds{5000});
    CHECK(w.owned() == partition_count);
  }
}

TEST_CASE("membership: a restarted membership actor goes on, and is no surer than its row is valid") {
  single w;
  w.pass(milliseconds{100});
  w.kill(w.shared->actors->membership());
  w.pass(milliseconds{100});
  CHECK(w.map().partitions_served() == partition_count);
  w.beats() = db_mood::lost_before;
  w.pass(std::chrono::duration_cast<milliseconds>(w.table().members.at(node_number(1)).expires_at - w.shared->now()));
  CHECK_FALSE(w.table().is_alive(node_number(1)));
  CHECK_FALSE(w.map().is_certain());
}

TEST_CASE("membership: a member that comes, stops beating, leaves or comes again gets and loses its share") {
  single w;
  w.join(2, milliseconds{3500});
  w.pass(milliseconds{1000});
  auto share = w.table().owned_by(node_number(2));
  CHECK(share > 64);
  CHECK(w.owned() == partition_count - share);
  CHECK(w.map().partitions_served() == partition_count - share);
  SUBCASE("it stops beating") {
    w.pass(milliseconds{2000});
    CHECK(w.owned() == partition_count - share);
    w.pass(milliseconds{2000});
    CHECK(w.owned() == partition_count);
  }
  SUBCASE("it leaves") {
    w.table().leave(node_number(2));
    w.pass(milliseconds{1100});
    CHECK(w.owned() == partition_count);
  }
  SUBCASE("its process is seen to be gone") {
    w.table().members.at(node_number(2)).expires_at += std::chrono::hours{1};
    w.shared->cluster->still_runs = [](const host_process&) { return std::optional{false}; };
    w.pass(milliseconds{1100});
    CHECK(w.owned() == partition_count);
    CHECK_FALSE(w.table().members.contains(node_number(2)));
  }
  SUBCASE("it comes again with another id before the old one has expired") {
    w.join(3);
    w.pass(milliseconds{6000});
    std::size_t own = 0;
    for (std::uint16_t p = 0; p < partition_count; ++p)
      own += place_partition(p, {node_number(1), node_number(3)}) == node_number(1) ? 1 : 0;
    CHECK(w.owned() == own);
  }
  CHECK(w.map().partitions_served() == w.owned());
}

TEST_CASE("membership: a drain gives everything away, and taken back gets it again") {
  single w;
  w.join(2);
  w.table().ask_drain({"node1", true});
  w.pass(milliseconds{2500});
  CHECK(w.owned() == 0);
  CHECK(w.map().partitions_served() == 0);
  CHECK(w.table().members.at(node_number(1)).told.draining);
  w.table().ask_drain({"node1", false});
  w.table().leave(node_number(2));
  w.pass(milliseconds{2500});
  CHECK(w.owned() == partition_count);
  CHECK_FALSE(w.table().members.at(node_number(1)).told.draining);
}

TEST_CASE("membership: a hand-over ends when nothing is owned, or when nobody could take it") {
  single w;
  SUBCASE("somebody is there") {
    w.join(2);
  }
  SUBCASE("nobody is there") {}
  SUBCASE("a beat is under way") {
    w.join(2);
    w.beats() = db_mood::slow;
    w.beat();
    w.beats() = db_mood::prompt;
  }
  SUBCASE("the database does not answer for a while") {
    w.join(2);
    w.beats() = db_mood::lost_before;
  }
  auto over = w.ask<hand_over>();
  w.release();
  w.beats() = db_mood::prompt;
  w.pass(milliseconds{2500});
  REQUIRE(over.answered());
  CHECK(w.map().partitions_served() == 0);
  auto left = w.ask<leave_cluster>();
  REQUIRE(left.answered());
  CHECK(w.owned() == 0);
  CHECK_FALSE(w.table().members.contains(node_number(1)));
  auto beats = w.table().beats;
  w.beat();
  w.pass(milliseconds{10000});
  CHECK(w.table().beats == beats); // who has left does not come back by itself
}

TEST_CASE("membership: a beat that is under way when the node leaves does not bring its row back") {
  for (auto mood : {db_mood::slow, db_mood::holding, db_mood::prompt}) {
    single w;
    w.join(2);
    w.beats() = mood;
    w.beat();
    w.beats() = db_mood::prompt;
    auto left = w.ask<leave_cluster>();
    w.release();
    w.pass(milliseconds{5000});
    CHECK(left.answered());
    CHECK_FALSE(w.table().members.contains(node_number(1)));
    CHECK(w.owned() == 0);
  }
}
