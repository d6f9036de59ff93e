#include "tests/actor/peer_polls.hpp"

#include <set>

// Whom of the workers that wait here the peer hears of, and when:
//
// - a worker begins to wait, gets a step, gives up; the peer hears of it, or it was over before
// - the end of a wait goes with the next wait, or by itself; a dispatcher that drains
// - the link comes while workers wait, breaks, and comes again
// - more waiting workers than are told at a time

using namespace geartrain;
using namespace geartrain::sim;

TEST_CASE("polls: a worker that waits here is told to the peer after a moment, and when it waits no more") {
  polls p;
  SUBCASE("it gets a step first: nobody hears of it") {
    auto poll = p.node.long_poll(milliseconds{5000}, 7);
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{100});
    CHECK(p.told().empty());
  }
  SUBCASE("it gets a step after it was told") {
    auto poll = p.node.long_poll(milliseconds{5000}, 7);
    p.pass(milliseconds{10});
    REQUIRE(p.told().size() == 1);
    CHECK(p.told()[0].begin.at(0).poll_id == 7);
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{10});
    REQUIRE(p.told().size() == 2);
    CHECK(p.told()[1].end == std::vector<std::uint64_t>{7});
  }
  SUBCASE("it waits in vain") {
    auto poll = p.node.long_poll(milliseconds{500}, 7);
    p.pass(milliseconds{600});
    CHECK(poll.answered());
    CHECK(p.told().back().end == std::vector<std::uint64_t>{7});
  }
  SUBCASE("it never waits: it does so for a moment, for what the peer may have") {
    auto poll = p.node.long_poll(milliseconds{0}, 7);
    CHECK_FALSE(poll.answered());
    p.pass(milliseconds{10});
    p.say(peer_notice{steps_offered{7, {p.foreign_step(1)}}});
    REQUIRE(poll.answered());
    CHECK(poll.answer()->size() == 1);
  }
}

TEST_CASE("polls: that a worker got its step is told together with its next wait, or by itself soon after") {
  polls p;
  auto first = p.node.long_poll(milliseconds{5000}, 7);
  p.pass(milliseconds{2});
  REQUIRE(p.told().size() == 1);
  p.say(peer_notice{steps_offered{7, {p.foreign_step(1)}}});
  REQUIRE(first.answered());
  SUBCASE("it comes back at once") {
    p.pass(milliseconds{3});
    auto next = p.node.long_poll(milliseconds{5000}, 8);
    p.pass(milliseconds{20});
    REQUIRE(p.told().size() == 2);
    CHECK(p.told()[1].begin.at(0).poll_id == 8);
    CHECK(p.told()[1].end == std::vector<std::uint64_t>{7});
    CHECK_FALSE(next.answered());
  }
  SUBCASE("it stays away") {
    p.pass(milliseconds{7});
    CHECK(p.told().size() == 1);
    p.pass(milliseconds{3});
    REQUIRE(p.told().size() == 2);
    CHECK(p.told()[1].begin.empty());
    CHECK(p.told()[1].end == std::vector<std::uint64_t>{7});
  }
}

TEST_CASE("polls: a dispatcher that drains says at once that nobody waits any more") {
  polls p;
  auto poll = p.node.long_poll(milliseconds{5000}, 7);
  p.pass(milliseconds{10});
  REQUIRE(p.told().size() == 1);
  pending<std::uint32_t> drained;
  caf::anon_send(p.node.shared->actors->dispatcher(), drain_request{drained.done()});
  p.node.run();
  CHECK(poll.answered());
  CHECK(drained.answered());
  auto told = p.told();
  REQUIRE(told.size() == 2);
  CHECK(told[1].end == std::vector<std::uint64_t>{7});
}

TEST_CASE(
  "polls: the more often a worker that was told is served here, the later the next is told, until the peer has a step") {
  polls p;
  auto begins_with = [&](std::uint64_t poll_id) {
    return !p.told().empty() && !p.told().back().begin.empty() && p.told().back().begin[0].poll_id == poll_id;
  };
  for (std::uint64_t id = 1; id <= 7; ++id) {
    auto poll = p.node.long_poll(milliseconds{5000}, id);
    p.pass(milliseconds{70});
    CHECK(begins_with(id));
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{20});
    CHECK(p.told().back().end == std::vector<std::uint64_t>{id});
  }
  auto late = p.node.long_poll(milliseconds{5000}, 10);
  p.pass(milliseconds{60});
  CHECK_FALSE(begins_with(10));
  auto later = p.node.long_poll(milliseconds{5000}, 11);
  auto hurried = p.node.long_poll(milliseconds{0}, 12); // half of its wait
  p.pass(milliseconds{10});
  REQUIRE(begins_with(10));
  CHECK(p.told().back().begin.size() == 1); // the other one has not waited for long enough
  p.pass(milliseconds{5});
  CHECK(begins_with(12));
  p.say(peer_notice{steps_offered{10, {p.foreign_step(1)}}});
  REQUIRE(late.answered());
  p.pass(milliseconds{2});
  CHECK(begins_with(11)); // it has not waited for its moment, but there may be more
  auto next = p.node.long_poll(milliseconds{5000}, 13);
  p.pass(milliseconds{2});
  CHECK(begins_with(13));
  CHECK_FALSE(later.answered());
}

TEST_CASE("polls: workers that come one after the other are told together, and each once") {
  polls p;
  std::vector<pending<std::vector<leased_step>>> waiting;
  for (std::uint64_t id = 1; id <= 200; ++id) {
    waiting.push_back(p.node.long_poll(milliseconds{60000}, id));
    if (id % 4 == 0) {
      p.node.created(); // the first of them is served
      p.pass(milliseconds{1});
    }
  }
  p.pass(milliseconds{100});
  std::set<std::uint64_t> begun;
  for (auto& notice : p.told())
    for (auto& one : notice.begin)
      CHECK(begun.insert(one.poll_id).second);
  CHECK(begun.size() >= 150); // who was served before it was told never appears
  CHECK(p.told().size() <= 60);
}

TEST_CASE("polls: more workers than fit a message are told one message after the other") {
  polls p;
  std::vector<pending<std::vector<leased_step>>> waiting;
  for (std::uint64_t id = 1; id <= 600; ++id)
    waiting.push_back(p.node.long_poll(milliseconds{60000}, id));
  p.pass(milliseconds{20});
  auto told = p.told();
  REQUIRE(told.size() == 2);
  CHECK(told[0].begin.size() == 512);
  CHECK(told[1].begin.size() == 88);
}

TEST_CASE("polls: whoever waits when a link comes is told then, each as often as a link comes") {
  polls p{false};
  auto poll = p.node.long_poll(milliseconds{60000}, 7);
  p.pass(milliseconds{100});
  CHECK(p.log->notices.empty());
  for (std::size_t links = 1; links <= 3; ++links) {
    p.peer_speaks();
    p.pass(milliseconds{10});
    auto told = p.told();
    REQUIRE(told.size() == links);
    CHECK(told.back().begin.size() == 1);
  }
  CHECK_FALSE(poll.answered());
}

TEST_CASE("polls: only so many are told at a time") {
  polls p{false};
  std::vector<pending<std::vector<leased_step>>> waiting;
  for (std::uint64_t id = 1; id <= 600; ++id)
    waiting.push_back(p.node.long_poll(milliseconds{60000}, id));
  p.peer_speaks();
  REQUIRE(p.told().size() == 2);
  CHECK(p.told().at(0).begin.size() == 512);
  CHECK(p.told().at(1).begin.size() == 88);
}
