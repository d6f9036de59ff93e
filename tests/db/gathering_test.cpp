#include "db/batcher.hpp"
#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>

// Which batches are on their way beside each other. Of the queues alone, so that the test says what time it is.

using namespace geartrain;
using namespace geartrain::test;
using std::chrono::microseconds;

namespace {

create_tasks_unit many(std::size_t count, std::optional<std::string> identity = {}) {
  std::vector<create_task_unit> creations;
  for (std::size_t i = 0; i < count; ++i)
    creations.push_back(creation(new_task_id(), i == 0 ? identity : std::nullopt));
  return {std::make_shared<const std::vector<create_task_unit>>(std::move(creations))};
}

/// Queues whose batches have ten rows at most.
struct gathering_queues {
  db_metrics metrics;
  batcher queues{{{10, 1U << 20}, 1000, 64U << 20, std::chrono::seconds{10}}, metrics};
  db_clock::time_point now{std::chrono::hours{1}};

  template <class Op>
  void push(typename Op::unit unit) {
    queues.push<Op>(
      std::move(unit), [](const expected<typename Op::reply>&) {}, now);
  }

  void push_turns(int count) {
    for (int i = 0; i < count; ++i)
      push<db_op::commit_turns>(turn_of(new_task_id(), 0, {success(1)}));
  }

  /// As a connection does it that is free now.
  template <class Op>
  std::unique_ptr<batch> take() {
    return queues.lines()[static_cast<std::size_t>(Op::id)]->take(now, queues.gathers(now));
  }

  std::unique_ptr<batch> take_turns() { return take<db_op::commit_turns>(); }
};

std::size_t size_of(const std::unique_ptr<batch>& taken) {
  return taken ? taken->size() : 0;
}

} // namespace

TEST_SUITE("gathering") {
  TEST_CASE("turns that come while a batch is on its way form the next one") {
    gathering_queues g;
    g.push_turns(1);
    auto first = g.take_turns();
    REQUIRE(size_of(first) == 1);
    g.push_turns(1);
    CHECK_FALSE(g.take_turns());
    g.push_turns(6);
    CHECK_FALSE(g.take_turns());
    first.reset();
    CHECK_FALSE(g.queues.gathers(g.now));
    CHECK(size_of(g.take_turns()) == 7);
  }

  TEST_CASE("a full batch goes beside the one on its way, and what is left waits") {
    gathering_queues g;
    g.push_turns(1);
    auto first = g.take_turns();
    g.push_turns(12);
    auto second = g.take_turns();
    CHECK(size_of(second) == 10);
    CHECK_FALSE(g.take_turns());
    first.reset();
    CHECK_FALSE(g.take_turns()); // the second is on its way still
    second.reset();
    CHECK(size_of(g.take_turns()) == 2);
  }

  TEST_CASE("the longer the batch, the longer it may take before another goes beside it") {
    gathering_queues g;
    g.push_turns(4);
    auto first = g.take_turns();
    g.push_turns(1);
    CHECK(g.queues.next_take(g.now) == g.now + milliseconds{1} + microseconds{4 * 50});
    g.now += milliseconds{1};
    CHECK_FALSE(g.take_turns());
    g.now += microseconds{200};
    CHECK_FALSE(g.queues.gathers(g.now));
    CHECK(size_of(g.take_turns()) == 1);
  }

  TEST_CASE("few turns beside many creations wait for so long and no longer") {
    gathering_queues g;
    g.push<db_op::create_many>(many(20));
    auto creations = g.take<db_op::create_many>();
    g.push_turns(1);
    auto arrived = g.now;
    while (g.now <
           arrived + gathering::longest_hold) { // one full batch after the other, each before the last has landed
      CHECK_FALSE(g.take_turns());
      CHECK(g.queues.next_take(g.now) <= arrived + gathering::longest_hold);
      g.now += milliseconds{1};
      g.push<db_op::create_many>(many(20));
      auto next = g.take<db_op::create_many>();
      REQUIRE(next);
      creations = std::move(next);
    }
    CHECK(g.queues.gathers(g.now));
    CHECK(g.take_turns());
  }

  TEST_CASE("what has landed, and what is overdue, holds back nothing, however much it was") {
    gathering_queues g;
    g.push_turns(1);
    auto stuck = g.take_turns();
    for (int i = 0; i < 100; ++i) {
      g.push_turns(10);
      auto full = g.take_turns();
      REQUIRE(size_of(full) == 10);
      g.now += milliseconds{2};
    }
    CHECK_FALSE(g.queues.gathers(g.now));
    g.push_turns(1);
    CHECK(g.take_turns());
  }

  TEST_CASE("a batch is also full by its bytes") {
    gathering_queues g;
    g.push_turns(1);
    auto first = g.take_turns();
    g.push<db_op::commit_turns>(turn_of(new_task_id(), 0, {success(1, 1, '"' + std::string(1U << 20, 'x') + '"')}));
    CHECK(g.take_turns());
  }

  TEST_CASE("creations wait for turns, reads for neither") {
    gathering_queues g;
    g.push_turns(1);
    auto turns = g.take_turns();
    g.push<db_op::create_tasks>(creation(new_task_id()));
    g.push<db_op::create_many>(many(3));
    g.push<db_op::load_tasks>(load_task_unit{new_task_id()});
    CHECK_FALSE(g.take<db_op::create_tasks>());
    CHECK_FALSE(g.take<db_op::create_many>());
    CHECK(g.take<db_op::load_tasks>());
    turns.reset();
    CHECK(g.take<db_op::create_tasks>());
  }

  TEST_CASE("of many creations each counts") {
    gathering_queues g;
    for (std::size_t size : {4, 5, 3, 30})
      g.push<db_op::create_many>(many(size));
    CHECK(size_of(g.take<db_op::create_many>()) == 2);
    CHECK(size_of(g.take<db_op::create_many>()) == 1);
    CHECK(size_of(g.take<db_op::create_many>()) == 1); // larger than a batch: goes alone
  }

  TEST_CASE("two creations of one identity are never in one statement") {
    gathering_queues g;
    for (int i = 0; i < 2; ++i)
      g.push<db_op::create_many>(many(2, identity_of(1)));
    auto first = g.take<db_op::create_many>();
    CHECK(size_of(first) == 1);
    g.now += std::chrono::seconds{1};
    CHECK_FALSE(g.take<db_op::create_many>());
    first.reset();
    CHECK(size_of(g.take<db_op::create_many>()) == 1);
  }

  TEST_CASE("many creations of several callers are one statement, and each caller gets the outcomes of its own") {
    pool_fixture f{one_connection()};
    auto held = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(held, identity_of(1)))->created);
    template_lock lock{f.database()};
    std::vector<create_tasks_unit> units{many(3), many(2, identity_of(1)), many(4)};
    auto before = f.figures(db_operation::create_many);
    caf::scoped_actor self{f.system()};
    auto registration = self->request(f.pool, std::chrono::seconds{30}, some_template());
    REQUIRE(eventually([&] { return f.metrics->in_flight == 1; }));
    auto answers = f.ask_all<create_tasks_reply>(units, [&] {
      CHECK(eventually([&] { return f.metrics->queued == 3; }));
      lock.release();
    });
    registration.receive([](const put_template_reply&) {}, [](caf::error&) { FAIL("the template was refused"); });
    for (std::size_t i = 0; i < units.size(); ++i) {
      REQUIRE(answers[i]);
      REQUIRE(answers[i]->outcomes.size() == units[i].creations->size());
      for (auto& outcome : answers[i]->outcomes)
        CHECK(outcome->created == (i != 1 || &outcome != &answers[i]->outcomes.front()));
    }
    CHECK(answers[1]->outcomes[0]->existing == held);
    auto after = f.figures(db_operation::create_many);
    CHECK(after.round_trips - before.round_trips == 1);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 9);
  }

  TEST_CASE("a batch that waits for somebody else's lock holds up no others") {
    pool_fixture f; // two connections
    auto blocked = new_task_id();
    auto other = new_task_id();
    for (auto& id : {blocked, other})
      REQUIRE(f.ask<create_task_reply>(creation(id))->created);
    auto* intruder = PQconnectdb(f.database().dsn().c_str());
    PQclear(PQexec(intruder, "BEGIN"));
    PQclear(PQexec(intruder,
                   ("SELECT FROM geartrain.tasks WHERE task_id = '" + to_string(blocked) + "' FOR UPDATE").c_str()));
    caf::scoped_actor self{f.system()};
    auto waits = self->request(f.pool, std::chrono::seconds{30}, turn_of(blocked, 0, {success(1)}));
    REQUIRE(eventually([&] { return f.metrics->in_flight == 1; }));
    CHECK(f.ask<commit_turn_reply>(turn_of(other, 0, {success(1)}))->committed);
    CHECK(f.metrics->in_flight == 1);
    PQfinish(intruder); // rolls back
    waits.receive([](const commit_turn_reply& reply) { CHECK(reply.committed); },
                  [](caf::error&) { FAIL("the turn was refused"); });
  }
}
