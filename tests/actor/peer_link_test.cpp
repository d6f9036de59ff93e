#include "tests/actor/scripted_peer.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

// How a link comes, goes and comes again, on the side that connects and on the one that is spoken to:
//
// - a connect that fails, again and again; one that is answered late, after the peer spoke, and after the member left
// - a hello that is never answered, comes twice, comes from a new end, from a stranger, from a node that has left, and with
//   another wire version; a hello before the node has read of the member
// - the peer dies before and after the hello, and after a newer one has spoken; the link itself dies
// - the member leaves and joins again, and the old link ends after the new one is up
// - every order of: the peer dies, speaks, leaves, joins again, and time passes

using namespace geartrain;
using namespace geartrain::sim;

namespace {

constexpr std::uint8_t low = 1, middle = 2, high = 3;

milliseconds between(timestamp earlier, timestamp later) {
  return std::chrono::duration_cast<milliseconds>(later - earlier);
}

/// As world::run, but one actor is slow.
void run_without(world& w, const caf::actor_addr& slow) {
  auto& jobs = w.scheduler.jobs;
  auto is_other = [&](caf::resumable* job) { return dynamic_cast<caf::abstract_actor&>(*job).address() != slow; };
  for (auto next = jobs.begin(); (next = std::find_if(jobs.begin(), jobs.end(), is_other)) != jobs.end();) {
    std::rotate(jobs.begin(), next, next + 1);
    w.scheduler.run_once();
  }
}

} // namespace

TEST_CASE("link: the smaller id connects and speaks first, the other one waits and answers") {
  scripted_pair p{low, high, samples::linear(1)};
  p.peer_joins();
  CHECK(p.connects.size() == 1);
  REQUIRE(p.log->hellos.size() == 1);
  CHECK(p.log->hellos[0].id == node_number(low));
  CHECK(p.log->hellos[0].wire == wire_version);
  CHECK_FALSE(p.is_linked());
  p.peer_speaks();
  CHECK(p.is_linked());
  CHECK(p.log->hellos.size() == 1);

  scripted_pair q{middle, low, samples::linear(1)};
  q.peer_joins();
  q.pass(milliseconds{10000});
  CHECK(q.connects.empty());
  CHECK(q.log->hellos.empty());
  q.peer_speaks();
  CHECK(q.is_linked());
  REQUIRE(q.log->hellos.size() == 1);
  CHECK(q.log->hellos[0].id == node_number(middle));
}

TEST_CASE("link: a peer that can't be reached is tried with growing pauses, and from the start after it was there") {
  scripted_pair p{low, high, samples::linear(1)};
  p.peer_joins();
  p.peer_speaks();
  REQUIRE(p.is_linked());
  for (int round = 0; round < 2; ++round) {
    p.connects.clear();
    auto lost_at = p.node.shared->now();
    p.peer_dies();
    CHECK_FALSE(p.is_linked());
    p.pass(milliseconds{30000});
    REQUIRE(p.connects.size() > 8);
    CHECK(between(lost_at, p.connects[0]) <= milliseconds{350});
    auto last = milliseconds{0};
    for (std::size_t i = 1; i < p.connects.size(); ++i) {
      auto pause = between(p.connects[i - 1], p.connects[i]);
      CHECK(pause + milliseconds{60} >= last);
      CHECK(pause <= milliseconds{5110});
      last = pause;
    }
    CHECK(last >= milliseconds{5000});
    p.peer_lives();
    p.pass(milliseconds{5200});
    p.peer_speaks();
    CHECK(p.is_linked());
  }
}

TEST_CASE("link: a connect that is answered late") {
  scripted_pair p{low, high, samples::linear(1)};
  p.holds_connects = true;
  p.peer_joins();
  REQUIRE(p.held_connects.size() == 1);
  p.pass(milliseconds{20000});
  CHECK(p.held_connects.size() == 1); // one at a time
  SUBCASE("is as good as a prompt one") {
    p.answer_connect();
    REQUIRE(p.log->hellos.size() == 1);
    p.peer_speaks();
    CHECK(p.is_linked());
  }
  SUBCASE("after the member left is nobody's") {
    p.peer_leaves();
    p.answer_connect();
    CHECK(p.log->hellos.empty());
    CHECK_FALSE(p.is_linked());
    p.pass(milliseconds{10000});
    CHECK(p.held_connects.empty());
  }
  SUBCASE("after the peer has spoken by itself changes nothing") {
    p.peer_speaks();
    REQUIRE(p.is_linked());
    p.answer_connect();
    CHECK(p.log->hellos.empty());
    CHECK(p.is_linked());
    CHECK(p.metrics().links_lost == 0);
  }
  SUBCASE("after the peer died is followed by another one") {
    p.peer_dies();
    p.answer_connect();
    p.peer_lives();
    p.pass(milliseconds{500});
    REQUIRE(p.held_connects.size() == 1);
    p.answer_connect();
    CHECK(p.log->hellos.size() == 1);
  }
}

TEST_CASE("link: a hello that is not answered is said again") {
  scripted_pair p{low, high, samples::linear(1)};
  p.peer_joins();
  CHECK(p.log->hellos.size() == 1);
  p.pass(milliseconds{1800});
  CHECK(p.log->hellos.size() == 1);
  p.pass(milliseconds{1600});
  CHECK(p.log->hellos.size() == 2);
  p.pass(milliseconds{3100});
  CHECK(p.log->hellos.size() == 3);
  p.peer_speaks(); // to all of them, at last
  p.peer_speaks();
  CHECK(p.is_linked());
  p.pass(milliseconds{10000});
  CHECK(p.log->hellos.size() == 3);
}

TEST_CASE("link: a hello that comes twice begins anew; one of a new end replaces the old one, whenever that dies") {
  for (auto peer_number : {high, low})
    for (auto old_dies_first : {true, false}) {
      scripted_pair p{middle, peer_number, samples::linear(1)};
      p.link();
      p.peer_speaks();
      CHECK(p.is_linked());
      CHECK(p.metrics().links_lost == 1);
      auto old = std::exchange(p.peer, nullptr);
      auto old_dies = [&] {
        caf::anon_send_exit(old, caf::exit_reason::kill);
        p.node.run();
      };
      p.peer_lives();
      if (old_dies_first) {
        old_dies();
        CHECK_FALSE(p.is_linked());
        p.peer_speaks();
      } else {
        p.peer_speaks();
        old_dies();
      }
      CHECK(p.is_linked());
      p.pass(milliseconds{1000});
      CHECK(p.is_linked());
      CHECK(p.metrics().links_lost == 2);
    }
}

TEST_CASE("link: nobody is linked whom the node does not know as a member of its wire version") {
  scripted_pair p{middle, low, samples::linear(1)};
  auto beats = p.node.rows->cluster.beats;
  SUBCASE("a stranger: the node looks who that may be") {
    p.peer_lives();
    p.speak_at_gate({node_number(low), wire_version});
    CHECK(p.node.rows->cluster.beats == beats + 1);
    CHECK_FALSE(p.is_linked());
    p.peer_joins();
    p.peer_speaks(); // it speaks again after a while
    CHECK(p.is_linked());
  }
  SUBCASE("one that joined, but not yet to the knowledge of this node: it finds out by the first hello") {
    p.peer_lives();
    p.node.rows->cluster.add(member_number(low), std::chrono::hours{1});
    p.peer_speaks();
    CHECK_FALSE(p.is_linked());
    p.peer_speaks();
    CHECK(p.is_linked());
  }
  SUBCASE("another version in its hello") {
    p.peer_joins();
    p.speak_at_gate({node_number(low), wire_version + 1});
    CHECK_FALSE(p.is_linked());
  }
  SUBCASE("another version in its row: it gets its share of the partitions, and no link") {
    auto other = member_number(low);
    other.wire = wire_version + 1;
    p.peer_lives();
    p.node.rows->cluster.add(other, std::chrono::hours{1});
    p.beat();
    p.pass(milliseconds{1000});
    CHECK(p.map().partitions_served() < partition_count);
    p.speak_at_gate({node_number(low), wire_version});
    CHECK_FALSE(p.is_linked());
  }
  SUBCASE("somebody else at the link of a member") {
    p.link();
    p.say(peer_notice{look_again{}});
    caf::anon_send(p.log->link, peer_hello{node_number(high), wire_version},
                   caf::actor_cast<caf::strong_actor_ptr>(p.gate));
    p.node.run();
    CHECK(p.is_linked());
    CHECK(p.metrics().links_lost == 0);
  }
  SUBCASE("one that has left, whose last hello comes late") {
    p.link();
    p.peer_leaves();
    CHECK_FALSE(p.is_linked());
    p.peer_speaks();
    p.speak_at_gate({node_number(low), wire_version});
    CHECK_FALSE(p.is_linked());
  }
}

TEST_CASE("link: a peer that dies makes the node look at the members at once") {
  scripted_pair p{low, high, samples::linear(1)};
  p.link();
  p.pass(milliseconds{400});
  auto beats = p.node.rows->cluster.beats;
  p.peer_dies();
  CHECK(p.node.rows->cluster.beats == beats + 1);
  CHECK(p.metrics().links_lost == 1);
}

TEST_CASE("link: a link that dies of itself is replaced") {
  for (auto peer_number : {high, low}) {
    scripted_pair p{middle, peer_number, samples::linear(1)};
    p.link();
    caf::anon_send_exit(p.log->link, caf::exit_reason::kill);
    p.node.run();
    CHECK_FALSE(p.is_linked());
    p.log->link = nullptr;
    p.pass(milliseconds{1500}); // a beat later it is there
    p.peer_speaks();
    CHECK(p.is_linked());
  }
}

TEST_CASE("link: the late end of a link takes nothing from the one that replaced it") {
  scripted_pair p{low, high, samples::linear(1)};
  p.link();
  auto old = p.log->link.address();
  auto& table = p.node.rows->cluster;
  table.leave(node_number(high));
  caf::anon_send(p.node.shared->actors->membership(), beat_now{});
  run_without(p.node, old);
  table.add(member_number(high), std::chrono::hours{1});
  caf::anon_send(p.node.shared->actors->membership(), beat_now{});
  run_without(p.node, old);
  REQUIRE(p.log->link.address() != old);
  caf::anon_send(p.log->link, peer_hello{node_number(high), wire_version},
                 caf::actor_cast<caf::strong_actor_ptr>(p.peer));
  run_without(p.node, old);
  CHECK(p.is_linked());
  p.node.run();
  CHECK(p.is_linked());
}

TEST_CASE("link: in every order of deaths, hellos, comings and goings a link is up exactly if its last speaker lives") {
  enum class event { dies, speaks, leaves, joins, time };
  for (auto peer_number : {high, low}) {
    std::vector order{event::dies, event::speaks, event::leaves, event::joins, event::time};
    do {
      scripted_pair p{middle, peer_number, samples::linear(1)};
      p.link();
      auto member = true, up = true;
      for (auto what : order) {
        switch (what) {
          case event::dies:
            p.peer_dies();
            up = false;
            break;
          case event::speaks:
            p.peer_lives();
            if (peer_number < middle) // it connects anew
              p.speak_at_gate({node_number(peer_number), wire_version});
            else
              p.peer_speaks();
            up = member;
            break;
          case event::leaves:
            p.peer_leaves();
            member = up = false;
            break;
          case event::joins: // once more, without having been away if it is not
            p.peer_lives();
            p.node.rows->cluster.add(member_number(peer_number), std::chrono::hours{1});
            p.beat();
            member = true;
            break;
          case event::time:
            p.pass(milliseconds{6000});
            break;
        }
        REQUIRE(p.is_linked() == up);
        REQUIRE(p.map().has_peers() == up);
      }
      // Whatever came before: a member that lives and speaks is linked.
      p.peer_lives();
      p.node.rows->cluster.add(member_number(peer_number), std::chrono::hours{1});
      p.beat();
      p.pass(milliseconds{6000});
      p.speak_at_gate({node_number(peer_number), wire_version});
      REQUIRE(p.is_linked());
    } while (std::next_permutation(order.begin(), order.end()));
  }
}
