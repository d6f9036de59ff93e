#include "tests/actor/scripted_peer.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

// Workers that wait on one side while steps are on the other, and what the peer asks of this node:
//
// - a worker begins to wait, gets a step, gives up; the peer hears of it, or it was over before
// - the link comes while workers wait, breaks, and comes again; what the peer said before is forgotten with it
// - steps that come for who waits no longer: another one takes them, or they go back
// - the peer's workers: begin, end, begin twice, end before begin; the end of an old wait after the beginning of a new one
// - a peer that dies with steps offered to it
// - more waiting workers than are told, and than are taken
// - calls of the peer: served, before its hello, and answered after it died

using namespace geartrain;
using namespace geartrain::sim;

namespace {

waiting_worker waiting(std::uint64_t poll_id) {
  return {poll_id, "theirs", {"test"}, std::nullopt, 1};
}

/// A node that serves everything itself, linked with a peer that has nothing.
struct polls : scripted_pair {
  explicit polls(bool linked = true) : scripted_pair(1, 3, samples::linear(1)) {
    pass(milliseconds{100});
    peer_lives();
    auto idle = member_number(3);
    idle.draining = true;
    node.rows->cluster.add(idle, std::chrono::hours{1});
    beat();
    pass(milliseconds{100});
    if (linked)
      peer_speaks();
    REQUIRE(is_linked() == linked);
    REQUIRE(map().partitions_served() == partition_count);
  }

  void begin(std::uint64_t poll_id) { say(peer_notice{workers_wait{{waiting(poll_id)}, {}}}); }
  void end(std::uint64_t poll_id) { say(peer_notice{workers_wait{{}, {poll_id}}}); }

  /// A step of another node's task, as the peer would lease it.
  leased_step foreign_step(std::uint64_t number) {
    auto step = std::make_shared<ready_step>();
    step->id = make_step_id(make_task_id(milliseconds{1}, number << 16), 1);
    step->definition = node.shared->catalog->find_by_id(1);
    step->input = input_snapshot{task_input{}};
    lease held;
    held.token.step = step->id;
    held.token.attempt = 1;
    held.token.nonce = number;
    return {step, held};
  }
};

} // namespace

TEST_CASE("polls: a worker that waits here is told to the peer after a moment, and when it waits no more") {
  polls p;
  auto told = [&] { return p.log->all_of<workers_wait>(); };
  SUBCASE("it gets a step first: nobody hears of it") {
    auto poll = p.node.long_poll(milliseconds{5000}, 7);
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{100});
    CHECK(told().empty());
  }
  SUBCASE("it gets a step after it was told") {
    auto poll = p.node.long_poll(milliseconds{5000}, 7);
    p.pass(milliseconds{10});
    REQUIRE(told().size() == 1);
    CHECK(told()[0].begin.at(0).poll_id == 7);
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{10});
    REQUIRE(told().size() == 2);
    CHECK(told()[1].end == std::vector<std::uint64_t>{7});
  }
  SUBCASE("it waits in vain") {
    auto poll = p.node.long_poll(milliseconds{500}, 7);
    p.pass(milliseconds{600});
    CHECK(poll.answered());
    CHECK(told().back().end == std::vector<std::uint64_t>{7});
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

TEST_CASE(
  "polls: the more often a worker that was told is served here, the later the next is told, until the peer has a step") {
  polls p;
  auto told = [&] { return p.log->all_of<workers_wait>(); };
  auto begins_with = [&](std::uint64_t poll_id) {
    return !told().empty() && !told().back().begin.empty() && told().back().begin[0].poll_id == poll_id;
  };
  for (std::uint64_t id = 1; id <= 7; ++id) {
    auto poll = p.node.long_poll(milliseconds{5000}, id);
    p.pass(milliseconds{70});
    CHECK(begins_with(id));
    p.node.created();
    CHECK(poll.answered());
    p.pass(milliseconds{20});
    CHECK(told().back().end == std::vector<std::uint64_t>{id});
  }
  auto late = p.node.long_poll(milliseconds{5000}, 10);
  p.pass(milliseconds{60});
  CHECK_FALSE(begins_with(10));
  auto later = p.node.long_poll(milliseconds{5000}, 11);
  auto hurried = p.node.long_poll(milliseconds{0}, 12); // half of its wait
  p.pass(milliseconds{10});
  REQUIRE(begins_with(10));
  CHECK(told().back().begin.size() == 1); // the other one has not waited for long enough
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
  auto told = [&] { return p.log->all_of<workers_wait>(); };
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
  for (auto& notice : told())
    for (auto& one : notice.begin)
      CHECK(begun.insert(one.poll_id).second);
  CHECK(begun.size() >= 150); // who was served before it was told never appears
  CHECK(told().size() <= 60);
}

TEST_CASE("polls: more workers than fit a message are told one message after the other") {
  polls p;
  std::vector<pending<std::vector<leased_step>>> waiting;
  for (std::uint64_t id = 1; id <= 600; ++id)
    waiting.push_back(p.node.long_poll(milliseconds{60000}, id));
  p.pass(milliseconds{20});
  auto told = p.log->all_of<workers_wait>();
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
    auto told = p.log->all_of<workers_wait>();
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
  REQUIRE(p.log->all_of<workers_wait>().size() == 2);
  CHECK(p.log->all_of<workers_wait>().at(0).begin.size() == 512);
  CHECK(p.log->all_of<workers_wait>().at(1).begin.size() == 88);
}

TEST_CASE("polls: steps that come for who waits no longer go to somebody else who waits here, or back") {
  polls p;
  auto late = p.node.long_poll(milliseconds{100}, 7);
  p.pass(milliseconds{200});
  REQUIRE(late.answered());
  SUBCASE("back") {
    p.say(peer_notice{steps_offered{7, {p.foreign_step(1), p.foreign_step(2)}}});
    auto returned = p.log->all_of<offers_returned>();
    REQUIRE(returned.size() == 1);
    CHECK(returned[0].tokens.size() == 2);
    CHECK(p.metrics().steps_returned == 2);
  }
  SUBCASE("to somebody else, as far as there are some") {
    p.begin(70); // a worker of the peer is no help
    auto other = p.node.long_poll(milliseconds{5000}, 8);
    p.say(peer_notice{steps_offered{7, {p.foreign_step(1), p.foreign_step(2)}}});
    REQUIRE(other.answered());
    CHECK(other.answer()->size() == 1);
    CHECK(p.log->all_of<offers_returned>().at(0).tokens.size() == 1);
  }
  SUBCASE("with the peer, if it died meanwhile: nobody waits for an answer") {
    caf::anon_send(p.log->link, peer_notice{steps_offered{7, {p.foreign_step(1)}}});
    p.peer_dies();
    CHECK(p.log->all_of<offers_returned>().empty());
  }
  SUBCASE("a template that nobody knows") {
    auto strange = p.foreign_step(1);
    auto step = *strange.step;
    auto definition = *step.definition;
    definition.id = 99;
    step.definition = template_snapshot{std::move(definition)};
    strange.step = std::make_shared<ready_step>(std::move(step));
    auto poll = p.node.long_poll(milliseconds{5000}, 8);
    p.say(peer_notice{steps_offered{8, {strange}}});
    CHECK_FALSE(poll.answered());
    CHECK(p.log->all_of<offers_returned>().size() == 1);
  }
}

TEST_CASE("polls: a worker of the peer gets a step when nobody here waits for it") {
  polls p;
  p.begin(70);
  auto here = p.node.long_poll(milliseconds{5000}, 7);
  p.node.created();
  CHECK(here.answered());
  CHECK(p.log->all_of<steps_offered>().empty());
  p.node.created();
  CHECK(p.log->all_of<steps_offered>().empty()); // who has just got one will ask for this one in a moment
  p.pass(milliseconds{10});
  auto offered = p.log->all_of<steps_offered>();
  REQUIRE(offered.size() == 1);
  CHECK(offered[0].poll_id == 70);
  REQUIRE(offered[0].steps.size() == 1);
  p.node.created(); // it waits no more: it has got one
  CHECK(p.log->all_of<steps_offered>().size() == 1);
  SUBCASE("it wants it not: the step is there for others") {
    p.say(peer_notice{offers_returned{{offered[0].steps[0].held.token}}});
    CHECK(p.node.poll().size() == 2);
  }
  SUBCASE("the peer dies with it: the lease runs out") {
    p.peer_dies();
    CHECK(p.node.poll().size() == 1);
    p.pass(milliseconds{30100});
    CHECK(p.node.poll().size() == 3); // with those whose workers did nothing either
  }
}

TEST_CASE("polls: what a worker of this node comes for in time does not leave, what it leaves does") {
  polls p;
  auto offered = [&] { return p.log->all_of<steps_offered>(); };
  for (int i = 0; i < 3; ++i)
    p.node.created();
  CHECK(p.node.poll(1).size() == 1);
  p.begin(70);
  p.pass(milliseconds{2});
  CHECK(p.node.poll(1).size() == 1);
  p.pass(milliseconds{2});
  CHECK(offered().empty());
  p.pass(milliseconds{10});
  REQUIRE(offered().size() == 1);
  CHECK(offered()[0].steps.size() == 1);
}

TEST_CASE("polls: offers grow with each, and shrink when one comes back") {
  polls p;
  auto offered = [&] { return p.log->all_of<steps_offered>(); };
  auto begin_greedy = [&](std::uint64_t poll_id) {
    auto worker = waiting(poll_id);
    worker.max_steps = 1000;
    p.say(peer_notice{workers_wait{{worker}, {}}});
  };
  for (int i = 0; i < 100; ++i)
    p.node.created();
  begin_greedy(70);
  begin_greedy(71);
  REQUIRE(offered().size() == 2);
  CHECK(offered()[0].steps.size() == 16);
  CHECK(offered()[1].steps.size() == 20);
  auto unwanted = offered()[1];
  offers_returned back;
  for (auto& leased : unwanted.steps)
    back.tokens.push_back(leased.held.token);
  p.say(peer_notice{back});
  begin_greedy(72);
  REQUIRE(offered().size() == 3);
  CHECK(offered()[2].steps.size() == 10);
  p.begin(73); // asks for one: nobody knows whether it would have taken more
  begin_greedy(74);
  CHECK(offered().back().steps.size() == 14);
  CHECK(p.node.poll(1000).size() == 100 - 16 - 10 - 1 - 14);
}

TEST_CASE("polls: who of the peer waits no longer gets nothing, in whatever order its waits are told") {
  polls p;
  SUBCASE("its end is told") {
    p.begin(70);
    p.end(70);
  }
  SUBCASE("its end is told twice") {
    p.begin(70);
    p.end(70);
    p.end(70);
  }
  SUBCASE("its beginning is told twice") {
    p.begin(70);
    p.begin(70);
    p.end(70);
  }
  SUBCASE("the peer speaks anew: what it said before is over") {
    p.begin(70);
    p.peer_speaks();
  }
  SUBCASE("the peer dies") {
    p.begin(70);
    p.peer_dies();
  }
  SUBCASE("the peer leaves") {
    p.begin(70);
    p.peer_leaves();
  }
  SUBCASE("the end of the wait before the link was new comes after the new one began") {
    p.begin(70);
    // All in the mailbox at once: the dispatcher drops the old wait when the link has heard of the new one.
    caf::anon_send(p.log->link, peer_hello{node_number(3), wire_version},
                   caf::actor_cast<caf::strong_actor_ptr>(p.peer));
    caf::anon_send(p.log->link, peer_notice{workers_wait{{waiting(70)}, {}}});
    p.node.run();
    p.end(70);
  }
  p.node.created();
  CHECK(p.log->all_of<steps_offered>().empty());
  CHECK(p.node.poll().size() == 1);
}

TEST_CASE("polls: of the waiting workers of a peer only so many are taken") {
  constexpr std::uint64_t most = 4096;
  polls p;
  workers_wait news;
  for (std::uint64_t id = 1; id <= most + 1; ++id)
    news.begin.push_back(waiting(id));
  p.say(peer_notice{news});
  p.say(peer_notice{workers_wait{{}, {1}}}); // there is room for another one
  p.begin(most + 2);
  workers_wait over;
  for (std::uint64_t id = 2; id <= most; ++id)
    over.end.push_back(id);
  p.say(peer_notice{over});
  p.node.created();
  p.node.created();
  auto offered = p.log->all_of<steps_offered>();
  REQUIRE(offered.size() == 1);
  CHECK(offered[0].poll_id == most + 2);
}

TEST_CASE("polls: a node that is not sure of its partitions gives nothing to workers of a peer until it is again") {
  polls p;
  p.begin(70);
  auto here = p.node.long_poll(milliseconds{60000}, 7);
  p.node.rows->beat_moods[node_number(1)] = db_mood::lost_before;
  p.pass(milliseconds{4000});
  REQUIRE_FALSE(p.map().is_certain());
  p.node.created();
  p.node.created();
  CHECK_FALSE(here.answered());
  CHECK(p.log->all_of<steps_offered>().empty());
  p.node.rows->beat_moods.clear();
  p.pass(milliseconds{300});
  CHECK(here.answered());
  CHECK(p.log->all_of<steps_offered>().size() == 1);
}

TEST_CASE("service: calls of the peer are answered once it has said hello, and to nobody after it died") {
  polls p{false};
  auto task = p.node.created();
  caf::anon_send(p.log->link, peer_call{1, read_call{task->id}});
  p.node.run();
  CHECK(p.log->answers.empty()); // whoever that was
  p.peer_speaks();
  SUBCASE("a read") {
    p.say(peer_call{2, read_call{task->id}});
    REQUIRE(p.log->answers.size() == 1);
    CHECK(p.log->answers[0].id == 2);
    CHECK(std::holds_alternative<task_answer>(p.log->answers[0].body));
  }
  SUBCASE("a task that is not there") {
    p.say(peer_call{2, read_call{make_task_id(milliseconds{1}, 1)}});
    CHECK(std::get<failure>(p.log->answers.at(0).body).code == errc::not_found);
  }
  SUBCASE("the same call twice, as two ends of the way would have it, is two calls") {
    p.say(peer_call{2, read_call{task->id}});
    p.say(peer_call{2, read_call{task->id}});
    CHECK(p.log->answers.size() == 2);
  }
  SUBCASE("no reports at all") {
    p.say(peer_call{2, report_call{}});
    CHECK(std::holds_alternative<report_answers>(p.log->answers.at(0).body));
  }
  SUBCASE("a wait that the peer ends") {
    p.say(peer_call{2, await_call{task->id, milliseconds{60000}}});
    CHECK(p.log->answers.empty());
    p.say(peer_notice{wait_ended{2, task->id}});
    REQUIRE(p.log->answers.size() == 1); // that nobody waits for
    CHECK(std::get<failure>(p.log->answers[0].body).code == errc::dropped);
  }
  SUBCASE("the peer dies before the answer, and comes again") {
    p.say(peer_call{2, await_call{task->id, milliseconds{60000}}});
    p.peer_dies();
    p.peer_lives();
    p.pass(milliseconds{1000});
    p.peer_speaks();
    p.node.finish(p.node.poll().at(0));
    CHECK(p.log->answers.empty());
    CHECK(p.is_linked());
  }
}
