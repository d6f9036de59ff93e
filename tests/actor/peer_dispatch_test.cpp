#include "actors/task_routes.hpp"
#include "tests/actor/cluster_sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>

// Tasks of one real node, workers at the other: what they do together, and what is left of it when
//
// - the way between them breaks, or falls silent, before, between and after the dispatch and the report
// - the receiver of a report makes the turn itself, and the owner makes one too: one of them loses
// - the owner crashes, hands over, or is cut off from the database, with the step at a worker
// - the order of report, break, crash and drain is any
//
// However it goes: every step is accepted once, and every task ends.

using namespace geartrain;
using namespace geartrain::sim;

namespace {

/// One node owns the task, the worker talks to node 2.
struct staged : cluster_world {
  explicit staged(std::size_t steps = 1, std::uint8_t nodes = 2, std::uint8_t owner = 1)
    : cluster_world(nodes, samples::linear(steps)), task(task_at(owner)) {}

  pending<std::vector<leased_step>> wait_at(std::uint8_t number, std::uint64_t id = 1) {
    auto poll = node(number).long_poll(milliseconds{20000}, id);
    pass(milliseconds{20});
    return poll;
  }
  /// A step of the task for a worker at node 2.
  leased_step leased() {
    auto poll = wait_at(2);
    REQUIRE(poll.answered());
    REQUIRE(poll.answer()->size() == 1);
    return poll.answer()->front();
  }
  pending<report_answer> report(const leased_step& step, std::uint8_t at = 2) {
    pending<report_answer> result;
    step_report said;
    said.token = step.held.token;
    said.worker = "w";
    said.success = true;
    said.result = json_text{"1"};
    send_reports(*node(at).shared->actors, {{std::move(said), result.done()}});
    run();
    return result;
  }
  pending<std::vector<heartbeat_answer>> heartbeat(const leased_step& step) {
    pending<std::vector<heartbeat_answer>> result;
    send_heartbeat(*node(2).shared->actors, {"w", {step.held.token}, result.done()});
    run();
    return result;
  }
  task_state stored() { return rows().tasks.at(task->id).head.state; }
  std::size_t attempts() { return rows().tasks.at(task->id).attempts.size(); }

  task_snapshot task;
};

report_status status_of(const pending<report_answer>& result) {
  REQUIRE(result.answered());
  REQUIRE(result.answer());
  return result.answer()->status;
}

} // namespace

TEST_CASE("dispatch: a worker at one node gets the steps of another, and its reports find the way back") {
  staged c{2};
  for (int i = 0; i < 2; ++i) {
    auto step = c.leased();
    CHECK(task_of(step.held.token.step) == c.task->id);
    auto beaten = c.heartbeat(step);
    REQUIRE(beaten.answered());
    CHECK(beaten.answer()->at(0).status == heartbeat_status::extended);
    CHECK(status_of(c.report(step)) == report_status::accepted);
    CHECK(status_of(c.report(step)) == report_status::duplicate);
  }
  CHECK(c.stored() == task_state::complete);
  CHECK(c.map(1).metrics().guest_turns + c.map(2).metrics().guest_turns == 0);
  CHECK(c.map(2).metrics().steps_taken == 2);
}

TEST_CASE("dispatch: a report whose owner can't be reached is accepted here, and the owner learns of it") {
  staged c{2};
  auto step = c.leased();
  SUBCASE("the way broke before the report") {
    c.ways->cut(1, 2);
  }
  SUBCASE("nothing is answered any more") {
    c.ways->silence(1, 2);
  }
  auto answer = c.report(step);
  c.pass(milliseconds{3500});
  CHECK(status_of(answer) == report_status::accepted);
  CHECK(c.map(2).metrics().guest_turns == 1);
  c.ways->mend(1, 2);
  c.pass(milliseconds{2000}); // a beat of the owner
  CHECK(c.table().touched.empty());
  auto next = c.node(1).poll();
  REQUIRE(next.size() == 1);
  CHECK(number_of(next[0].held.token.step) == 2);
  CHECK(c.node(1).finish(next[0]) == report_status::accepted);
  CHECK(c.stored() == task_state::complete);
  CHECK(c.attempts() == 2);
}

TEST_CASE("dispatch: a report that the owner took although its answer was lost is accepted once") {
  staged c;
  auto step = c.leased();
  c.rows().mood = db_mood::holding; // the owner's commit is done, the answer is not there yet
  auto answer = c.report(step);
  CHECK_FALSE(answer.answered());
  SUBCASE("the way breaks") {
    c.ways->cut(1, 2);
  }
  SUBCASE("the way falls silent") {
    c.ways->silence(1, 2);
  }
  c.rows().mood = db_mood::prompt;
  c.pass(milliseconds{3500});
  // The turn of the receiver found what the owner had written: nobody can tell whose report that was.
  CHECK(status_of(answer) == report_status::duplicate);
  c.release_beats(1);
  c.pass(milliseconds{2000});
  CHECK(c.stored() == task_state::complete);
  CHECK(c.attempts() == 1);
}

TEST_CASE("dispatch: a step that was offered into a broken way comes back by its lease, as one attempt") {
  staged c;
  c.report(c.leased());
  auto poll = c.wait_at(2, 5); // the owner knows of it
  c.ways->silence(1, 2);
  c.task = c.task_at(1);
  CHECK_FALSE(poll.answered());
  CHECK(c.node(1).poll().empty());
  c.ways->cut(1, 2);
  c.ways->mend(1, 2);
  c.pass(milliseconds{31000});
  auto again = c.leased();
  CHECK(again.held.token.attempt == 2);
  CHECK(status_of(c.report(again)) == report_status::accepted);
  CHECK(c.stored() == task_state::complete);
}

TEST_CASE("dispatch: a worker keeps its step while the task moves to another owner") {
  enum class move { hand_over, drain, crash };
  for (auto how : {move::hand_over, move::drain, move::crash}) {
    CAPTURE(static_cast<int>(how));
    staged c{1, 3, 3};
    auto step = c.leased();
    c.pass(milliseconds{1500}); // the claim is recorded
    switch (how) {
      case move::hand_over: {
        auto over = c.hand_over(3);
        c.pass(milliseconds{1500});
        CHECK(over.answered());
        c.leave(3);
        break;
      }
      case move::drain:
        c.table().ask_drain({"node3", true});
        break;
      case move::crash:
        c.crash(3);
        break;
    }
    c.pass(milliseconds{6000});
    CHECK(c.map(1).serves(c.task->id) != c.map(2).serves(c.task->id));
    CHECK(c.node(1).poll().empty());
    CHECK(c.node(2).poll().empty());
    auto beaten = c.heartbeat(step);
    REQUIRE(beaten.answered());
    REQUIRE(beaten.answer());
    CHECK(beaten.answer()->at(0).status == heartbeat_status::extended);
    CHECK(status_of(c.report(step)) == report_status::accepted);
    CHECK(c.stored() == task_state::complete);
    CHECK(c.attempts() == 1);
  }
}

TEST_CASE("dispatch: an owner that is cut off from the database dispatches nothing, whoever waits where") {
  staged c;
  c.rows().beat_moods[node_number(1)] = db_mood::lost_before;
  c.pass(milliseconds{3600});
  CHECK_FALSE(c.map(1).is_certain());
  CHECK(c.node(1).poll().empty());
  auto waits = c.wait_at(2);
  c.pass(milliseconds{4000}); // the other one has taken over
  REQUIRE(waits.answered());
  CHECK(status_of(c.report(waits.answer()->at(0))) == report_status::accepted);
  c.rows().beat_moods.clear();
  c.pass(milliseconds{5000});
  CHECK(c.stored() == task_state::complete);
  CHECK(c.attempts() == 1);
}

TEST_CASE("dispatch: in any order of report, break, silence, drain and crash the step counts once and the task ends") {
  enum class event { report, cut, silence, drain, crash };
  std::vector order{event::report, event::cut, event::silence, event::drain, event::crash};
  do {
    staged c{1, 3, 3};
    auto step = c.leased();
    auto result = pending<report_answer>{};
    for (auto what : order) {
      switch (what) {
        case event::report:
          result = c.report(step);
          break;
        case event::cut:
          c.ways->cut(2, 3);
          break;
        case event::silence:
          c.ways->silence(2, 3);
          break;
        case event::drain:
          c.table().ask_drain({"node3", true});
          break;
        case event::crash:
          c.crash(3);
          break;
      }
      c.pass(milliseconds{400});
      REQUIRE(c.shared_partitions() == 0);
    }
    c.pass(milliseconds{10000});
    REQUIRE(result.answered());
    REQUIRE(result.answer());
    auto status = result.answer()->status;
    REQUIRE((status == report_status::accepted || status == report_status::duplicate));
    REQUIRE(c.stored() == task_state::complete);
    REQUIRE(c.attempts() == 1);
    REQUIRE(c.shared_partitions() == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}
