#include "tests/actor/peer_polls.hpp"

#include <algorithm>

// Workers that wait on one side while steps are on the other, and what the peer asks of this node:
//
// - steps that come for who waits no longer: another one takes them, or they go back
// - the peer's workers: begin, end, begin twice, end before begin; the end of an old wait after the beginning of a new one
// - a peer that dies with steps offered to it
// - more waiting workers than are taken
// - calls of the peer: served, before its hello, and answered after it died
//
// Whom the peer hears of: peer_telling_test.cpp.

using namespace geartrain;
using namespace geartrain::sim;

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
  CHECK(p.offered().empty());
  p.node.created();
  CHECK(p.offered().empty()); // who has just got one will ask for this one in a moment
  p.pass(milliseconds{10});
  auto offered = p.offered();
  REQUIRE(offered.size() == 1);
  CHECK(offered[0].poll_id == 70);
  REQUIRE(offered[0].steps.size() == 1);
  p.node.created(); // it waits no more: it has got one
  CHECK(p.offered().size() == 1);
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
  for (int i = 0; i < 3; ++i)
    p.node.created();
  CHECK(p.node.poll(1).size() == 1);
  p.begin(70);
  p.pass(milliseconds{2});
  CHECK(p.node.poll(1).size() == 1);
  p.pass(milliseconds{2});
  CHECK(p.offered().empty());
  p.pass(milliseconds{10});
  REQUIRE(p.offered().size() == 1);
  CHECK(p.offered()[0].steps.size() == 1);
}

TEST_CASE("polls: offers grow with each, and shrink when one comes back") {
  polls p;
  auto begin_greedy = [&](std::uint64_t poll_id) {
    auto worker = waiting(poll_id);
    worker.max_steps = 1000;
    p.say(peer_notice{workers_wait{{worker}, {}}});
  };
  for (int i = 0; i < 100; ++i)
    p.node.created();
  begin_greedy(70);
  begin_greedy(71);
  REQUIRE(p.offered().size() == 2);
  CHECK(p.offered()[0].steps.size() == 16);
  CHECK(p.offered()[1].steps.size() == 20);
  auto unwanted = p.offered()[1];
  offers_returned back;
  for (auto& leased : unwanted.steps)
    back.tokens.push_back(leased.held.token);
  p.say(peer_notice{back});
  begin_greedy(72);
  REQUIRE(p.offered().size() == 3);
  CHECK(p.offered()[2].steps.size() == 10);
  p.begin(73); // asks for one: nobody knows whether it would have taken more
  begin_greedy(74);
  CHECK(p.offered().back().steps.size() == 14);
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
  CHECK(p.offered().empty());
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
  auto offered = p.offered();
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
  CHECK(p.offered().empty());
  p.node.rows->beat_moods.clear();
  p.pass(milliseconds{300});
  CHECK(here.answered());
  CHECK(p.offered().size() == 1);
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
