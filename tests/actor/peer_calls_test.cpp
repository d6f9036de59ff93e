#include "actors/task_routes.hpp"
#include "tests/actor/scripted_peer.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>

// Calls to the owner of a task, and what becomes of them:
//
// - answered in time, after the deadline, twice, after the link was lost, after it was made anew, after the member left
// - the peer dies before and after the call is sent; the call meets no link at all
// - this node ends while calls are open
// - more calls than one link takes; answers that are too short, of another kind, or "do it yourself"
// - every order of: the answer, the deadline, the death of the peer, its new hello, its leaving
// - the peer's own calls: answered, before its hello, and after it died
//
// Whatever the order, every call has exactly one end: the first answer, or it is done here.

using namespace geartrain;
using namespace geartrain::sim;

namespace {

/// A node linked with a peer that owns everything, and a task that is in the rows only.
struct calls : scripted_pair {
  explicit calls(std::uint8_t peer_is = 3) : scripted_pair(2, peer_is, samples::linear(1)) {
    node.pass(milliseconds{100});
    task = *node.created();
    link();
    metrics().fallbacks = 0;
    seen_by_peer = task;
    seen_by_peer.version += 100; // tells its answers from what the rows say
  }

  directory& actors() { return *node.shared->actors; }

  pending<task_snapshot> read() {
    pending<task_snapshot> result;
    send_to_owner(actors(), task.id, read_task_request{task.id, result.done()});
    node.run();
    return result;
  }
  pending<task_snapshot> await(milliseconds wait, std::uint64_t wait_id = 1) {
    pending<task_snapshot> result;
    send_to_owner(actors(), task.id, await_task_request{task.id, wait_id, wait, result.done()});
    node.run();
    return result;
  }
  pending<report_answer> report() {
    pending<report_answer> result;
    step_report report;
    report.token.step = make_step_id(task.id, 1);
    send_reports(actors(), {{std::move(report), result.done()}});
    node.run();
    return result;
  }

  bool by_peer(const pending<task_snapshot>& result) {
    return result.answered() && result.answer() && (*result.answer())->version == seen_by_peer.version;
  }
  bool by_rows(const pending<task_snapshot>& result) {
    return result.answered() && result.answer() && (*result.answer())->version == task.version;
  }
  void answer(std::size_t call) {
    caf::anon_send(log->link, peer_answer{log->calls.at(call).id, task_answer{task_snapshot{seen_by_peer}}});
    node.run();
  }

  task_context task, seen_by_peer;
};

} // namespace

TEST_CASE("calls: an answer in time is the answer; what comes after it is nothing") {
  calls p;
  auto result = p.read();
  REQUIRE(p.log->calls.size() == 1);
  CHECK_FALSE(result.answered());
  p.answer(0);
  CHECK(p.by_peer(result));
  p.answer(0);
  p.say(peer_answer{77, task_answer{task_snapshot{p.seen_by_peer}}}); // to nobody's call
  CHECK(p.metrics().calls_answered == 1);
  CHECK(p.metrics().fallbacks == 0);
  p.pass(milliseconds{10000}); // nor does its deadline come back
  CHECK(p.metrics().fallbacks == 0);
}

TEST_CASE("calls: one that is not answered in time is done here, and its answer is too late then") {
  calls p;
  auto result = p.read();
  p.pass(milliseconds{2900});
  CHECK_FALSE(result.answered());
  p.pass(milliseconds{400});
  CHECK(p.by_rows(result));
  p.answer(0);
  CHECK(p.metrics().calls_answered == 0);
  CHECK(p.metrics().fallbacks == 1);
  CHECK(p.is_linked()); // slow is not dead
}

TEST_CASE("calls: without a link they are done here; a peer that dies after the call was sent ends it") {
  calls p;
  auto handle = p.own_link();
  SUBCASE("before it is sent: the route does not even lead there") {
    p.peer_dies();
    CHECK(p.by_rows(p.read()));
    CHECK(p.metrics().fallbacks == 0);
  }
  SUBCASE("before it is sent, after the route was chosen") {
    p.peer_dies();
    pending<task_snapshot> result;
    caf::anon_send(handle, read_task_request{p.task.id, result.done()});
    p.node.run();
    CHECK(p.by_rows(result));
    CHECK(p.metrics().fallbacks == 1);
  }
  SUBCASE("after it is sent") {
    auto result = p.read();
    p.peer_dies();
    CHECK(p.by_rows(result));
    CHECK(p.metrics().fallbacks == 1);
  }
  SUBCASE("the member has left, and the link with it") {
    p.peer_leaves();
    pending<task_snapshot> result;
    caf::anon_send(handle, read_task_request{p.task.id, result.done()});
    p.node.run();
    REQUIRE(result.answered()); // dropped: whoever asked must not wait
  }
  CHECK(p.log->calls.size() <= 1);
}

TEST_CASE("calls: every order of answer, deadline, death, new hello and leaving ends each call once") {
  enum class event { answer, deadline, death, hello, leave };
  for (auto peer_is : {std::uint8_t{1}, std::uint8_t{3}}) {
    std::vector order{event::answer, event::deadline, event::death, event::hello, event::leave};
    do {
      calls p{peer_is};
      auto early = p.read();
      auto counted = p.metrics().calls_sent.load();
      auto first = order.front();
      for (auto what : order) {
        switch (what) {
          case event::answer:
            p.answer(0);
            break;
          case event::deadline:
            p.pass(milliseconds{3500});
            break;
          case event::death:
            p.peer_dies();
            break;
          case event::hello:
            p.peer_lives();
            p.peer_speaks();
            break;
          case event::leave:
            p.peer_leaves();
            break;
        }
        REQUIRE(early.answered()); // by the first event, whichever it was
        REQUIRE(p.by_peer(early) == (first == event::answer));
        REQUIRE(p.by_rows(early) == (first != event::answer));
      }
      CHECK(p.metrics().fallbacks == (first == event::answer ? 0 : 1));
      CHECK(p.metrics().calls_sent == counted);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("calls: a node that ends leaves nobody without an answer") {
  calls p;
  auto reads = p.read();
  auto waits = p.await(milliseconds{60000});
  auto reports = p.report();
  CHECK(p.log->calls.size() == 3);
  p.node.stop();
  CHECK(reads.answered());
  CHECK(waits.answered());
  CHECK(reports.answered());
}

TEST_CASE("calls: the numbers of calls do not begin anew with the link: an old answer meets no new call") {
  calls p;
  p.read();
  auto old = p.log->calls[0].id;
  p.peer_speaks(); // has forgotten everything
  auto result = p.read();
  REQUIRE(p.log->calls.size() == 2);
  CHECK(p.log->calls[1].id != old);
  p.answer(0);
  CHECK_FALSE(result.answered());
  p.answer(1);
  CHECK(p.by_peer(result));
}

TEST_CASE("calls: a link takes so many at a time; the rest is done here, and there is room again") {
  constexpr std::size_t most = 4096;
  calls p;
  std::vector<pending<task_snapshot>> results;
  for (std::size_t i = 0; i < most + 5; ++i)
    results.push_back(p.read());
  CHECK(p.log->calls.size() == most);
  CHECK(p.metrics().fallbacks == 5);
  CHECK(p.by_rows(results.back()));
  p.answer(0);
  auto more = p.read();
  CHECK_FALSE(more.answered());
  CHECK(p.log->calls.size() == most + 1);
  p.pass(milliseconds{3500});
  for (auto& result : results)
    REQUIRE(result.answered());
}

TEST_CASE("calls: an owner that can't do it leaves it to this node; what it refuses is refused") {
  for (auto code : {errc::stopping, errc::dropped, errc::overloaded}) {
    calls p;
    auto result = p.read();
    p.say(peer_answer{p.log->calls[0].id, failure{code, "not here"}});
    CHECK(p.by_rows(result));
  }
  for (auto code : {errc::not_found, errc::conflict, errc::unavailable}) {
    calls p;
    auto result = p.read();
    p.say(peer_answer{p.log->calls[0].id, failure{code, "no"}});
    REQUIRE(result.answered());
    REQUIRE_FALSE(result.answer());
    CHECK(result.answer().error().code == code);
  }
}

TEST_CASE("calls: answers that do not fit their call") {
  calls p;
  SUBCASE("of another kind: it is done here") {
    auto result = p.read();
    p.say(peer_answer{p.log->calls[0].id, heartbeat_answers{}});
    CHECK(p.by_rows(result));
  }
  SUBCASE("too few of them: the reports are to be sent again") {
    auto result = p.report();
    p.say(peer_answer{p.log->calls[0].id, report_answers{}});
    REQUIRE(result.answered());
    CHECK(result.answer().error().code == errc::unavailable);
  }
  SUBCASE("a task whose template does not fit it: it is read from the rows") {
    auto result = p.read();
    auto wrong = p.seen_by_peer;
    wrong.steps.clear();
    p.say(peer_answer{p.log->calls[0].id, task_answer{task_snapshot{wrong}}});
    CHECK(p.by_rows(result));
  }
}

TEST_CASE("calls: a heartbeat that the owner does not answer is to be sent again, whoever else might know") {
  calls p;
  pending<std::vector<heartbeat_answer>> result;
  lease_token token;
  token.step = make_step_id(p.task.id, 1);
  send_heartbeat(p.actors(), {"w", {token}, result.done()});
  p.node.run();
  REQUIRE(p.log->calls.size() == 1);
  SUBCASE("the deadline") {
    p.pass(milliseconds{3500});
  }
  SUBCASE("the death of the peer") {
    p.peer_dies();
  }
  SUBCASE("too few answers") {
    p.say(peer_answer{p.log->calls[0].id, heartbeat_answers{}});
  }
  REQUIRE(result.answered());
  REQUIRE_FALSE(result.answer());
  CHECK(result.answer().error().code == errc::unavailable);
}

TEST_CASE("calls: an act that the owner may have done is not refused for having been done") {
  calls p;
  pending<task_snapshot> result;
  const operator_act cancel{act_kind::cancel_task, 0, "ann", "test", {}, {}};
  send_to_owner(p.actors(), p.task.id, act_request{p.task.id, cancel, result.done()});
  p.node.run();
  REQUIRE(p.log->calls.size() == 1);
  SUBCASE("it has not: this node does it") {}
  SUBCASE("it has, and dies before it can say so") {
    p.node.act(p.task.id, act_kind::cancel_task); // what the peer wrote
    CHECK(p.node.rows->tasks.at(p.task.id).head.state == task_state::cancelled);
  }
  p.peer_dies();
  REQUIRE(result.answered());
  REQUIRE(result.answer());
  CHECK((*result.answer())->state == task_state::cancelled);
}

TEST_CASE("calls: a wait that ends here ends at the peer, and one that the peer leaves goes on here for the rest") {
  constexpr milliseconds wait{20000};
  calls p;
  auto result = p.await(wait);
  REQUIRE(p.log->calls.size() == 1);
  SUBCASE("the client goes away") {
    send_to_owner(p.actors(), p.task.id, wait_cancelled{p.task.id, 1});
    p.node.run();
    auto ended = p.log->all_of<wait_ended>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].call == p.log->calls[0].id);
    p.answer(0); // it was on its way
    CHECK(p.metrics().calls_answered == 0);
  }
  SUBCASE("it is answered before the client goes away") {
    p.answer(0);
    CHECK(p.by_peer(result));
    send_to_owner(p.actors(), p.task.id, wait_cancelled{p.task.id, 1});
    p.node.run();
    CHECK(p.log->all_of<wait_ended>().empty());
  }
  SUBCASE("the peer has the whole wait, and a moment to answer") {
    p.pass(wait + milliseconds{2500});
    CHECK_FALSE(result.answered());
    p.answer(0);
    CHECK(p.by_peer(result));
  }
  SUBCASE("the peer dies in the middle of it") {
    p.pass(milliseconds{15000});
    p.peer_dies();
    p.pass(milliseconds{4500});
    CHECK_FALSE(result.answered());
    p.pass(milliseconds{1000});
    CHECK(p.by_rows(result));
  }
  SUBCASE("the peer says nothing until it is over") {
    p.pass(wait + milliseconds{3500});
    CHECK(p.by_rows(result));
  }
}
