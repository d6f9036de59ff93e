#include "actors/ready_queue.hpp"
#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::sim;

TEST_CASE("a waiting poll gets a step the moment it is ready") {
  world w{samples::linear(2)};
  auto waiting = w.long_poll(milliseconds{20000});
  CHECK_FALSE(waiting.answered());
  w.created();
  REQUIRE(waiting.answered());
  REQUIRE(waiting.answer()->size() == 1);
  auto next = w.long_poll(milliseconds{20000}, 2);
  w.finish(waiting.answer()->front());
  REQUIRE(next.answered());
  CHECK(number_of(next.answer()->front().held.token.step) == 2);
}

TEST_CASE("a poll without work ends empty at its time") {
  world w{samples::linear(1)};
  auto waiting = w.long_poll(milliseconds{1000});
  w.pass(milliseconds{900});
  CHECK_FALSE(waiting.answered());
  w.pass(milliseconds{200});
  REQUIRE(waiting.answered());
  CHECK(waiting.answer()->empty());
}

TEST_CASE("a client that went away while waiting holds no step") {
  world w{samples::linear(1)};
  auto gone = w.long_poll(milliseconds{20000}, 7);
  caf::anon_send(w.shared->actors->dispatcher(), poll_cancelled{7});
  w.run();
  w.created();
  CHECK(w.poll().size() == 1);
}

TEST_CASE("leases that never reached their worker come back without an attempt") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto lost = w.poll();
  CHECK((*w.read(task->id))->count(step_state::in_progress) == 1);
  caf::anon_send(w.shared->actors->dispatcher(), leases_returned{{lost[0].held.token}});
  w.run();
  CHECK((*w.read(task->id))->count(step_state::enqueued) == 1);
  auto again = w.poll();
  REQUIRE(again.size() == 1);
  CHECK(again[0].held.token.attempt == 1);
  CHECK(w.finish(lost[0]) == report_status::stale);
  CHECK(w.finish(again[0]) == report_status::accepted);
}

TEST_CASE("an expired lease counts as an attempt; its late result is stale before and after the next dispatch") {
  world w{samples::linear(1)};
  auto task = w.created();
  auto slow = w.poll();
  w.pass(milliseconds{30100});
  CHECK(w.heartbeat(slow[0].held.token) == heartbeat_status::lost);
  CHECK(w.finish(slow[0]) == report_status::stale);
  auto again = w.poll();
  REQUIRE(again.size() == 1);
  CHECK(again[0].held.token.attempt == 2);
  CHECK(w.finish(slow[0]) == report_status::stale);
  CHECK(w.finish(again[0]) == report_status::accepted);
  auto ended = *w.read(task->id);
  CHECK(ended->state == task_state::complete);
  CHECK(ended->steps[0].attempts.size() == 2);
  CHECK(w.rows->refused.size() == 2);
}

TEST_CASE("a worker that waits gets a step as soon as its lease expired, and its result counts") {
  world w{samples::linear(1)};
  w.created();
  w.poll();
  w.pass(milliseconds{25000});
  auto waiting = w.long_poll(milliseconds{20000});
  w.pass(milliseconds{5100});
  REQUIRE(waiting.answered());
  REQUIRE(waiting.answer()->size() == 1);
  CHECK(w.finish(waiting.answer()->front()) == report_status::accepted);
}

TEST_CASE("a step whose lease expires too often fails") {
  world w{samples::linear(1)};
  auto task = w.created();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    REQUIRE(w.poll().size() == 1);
    w.pass(milliseconds{30100});
  }
  CHECK(w.poll().empty());
  CHECK(w.state(task->id) == task_state::error);
}

TEST_CASE("heartbeats keep a lease for as long as they come") {
  world w{samples::linear(1)};
  w.created();
  auto held = w.poll();
  for (int i = 0; i < 6; ++i) {
    w.pass(milliseconds{20000});
    CHECK(w.heartbeat(held[0].held.token) == heartbeat_status::extended);
  }
  CHECK(w.finish(held[0]) == report_status::accepted);
  CHECK(w.heartbeat(held[0].held.token) == heartbeat_status::lost);
}

TEST_CASE("only leases that last are recorded, and their claims leave again") {
  world w{samples::linear(2)};
  w.created();
  w.finish(w.poll()[0]);
  w.pass(milliseconds{2000});
  CHECK(w.rows->claim_writes == 0);
  auto held = w.poll();
  w.pass(milliseconds{2000});
  CHECK(w.rows->claim_writes == 1);
  CHECK(w.rows->claims.size() == 1);
  w.pass(milliseconds{5000});
  CHECK(w.rows->claim_writes == 1);
  w.heartbeat(held[0].held.token);
  w.pass(milliseconds{1000});
  CHECK(w.rows->claim_writes == 2);
  w.finish(held[0]);
  w.pass(milliseconds{100});
  CHECK(w.rows->claims.empty());
}

TEST_CASE("draining ends polls, gives out nothing more, and records what workers hold") {
  world w{samples::linear(2)};
  w.created();
  w.created();
  auto held = w.poll(1);
  auto waiting = w.poll(0);
  pending<std::uint32_t> drained;
  caf::anon_send(w.shared->actors->dispatcher(), drain_request{drained.done()});
  w.run();
  REQUIRE(drained.answered());
  CHECK(w.rows->claims.size() == 1);
  CHECK(w.poll().empty());
  CHECK(w.finish(held[0]) == report_status::accepted);
}

TEST_CASE("first ready first, unless priority says otherwise, and nothing waits for ever") {
  ready_queue queue;
  auto definition = template_snapshot{samples::linear(1)};
  auto step = [&](std::uint64_t n, std::int16_t priority, int ready_second) {
    auto ready = std::make_shared<ready_step>();
    ready->id = make_step_id(make_task_id(milliseconds{1}, n << 16), 1);
    ready->definition = definition;
    task_input input;
    input.priority = priority;
    ready->input = input_snapshot{input};
    ready->ready_at = timestamp{std::chrono::seconds{1000 + ready_second}};
    return ready;
  };
  auto plain = step(1, 0, 0);
  auto later = step(2, 0, 1);
  auto urgent = step(3, 5, 40);   // worth 50 seconds
  auto too_late = step(4, 5, 60); // five points do not buy more than that
  for (auto& ready : {later, too_late, urgent, plain})
    CHECK(queue.push(ready));
  CHECK_FALSE(queue.push(plain));
  auto take = [&] { return queue.take({"test"}, std::nullopt); };
  CHECK(take() == urgent);
  CHECK(take() == plain);
  CHECK(take() == later);
  CHECK(take() == too_late);
  CHECK_FALSE(take());
}

TEST_CASE("of a step that waits already the queue keeps what its next dispatch needs") {
  ready_queue queue;
  auto step = [](std::uint16_t attempt, std::uint16_t yields) {
    auto ready = std::make_shared<ready_step>();
    ready->id = make_step_id(make_task_id(milliseconds{1}, 1), 1);
    ready->attempt = attempt;
    ready->yields = yields;
    ready->definition = template_snapshot{samples::linear(1)};
    ready->input = input_snapshot{task_input{}};
    return ready;
  };
  auto with_checkpoint = step(1, 1); // written by a turn of another node
  auto retry = step(2, 0);
  CHECK(queue.push(step(1, 0)));
  CHECK_FALSE(queue.push(step(1, 0)));
  CHECK(queue.push(with_checkpoint));
  CHECK(queue.size() == 1);
  CHECK(queue.push(retry));
  CHECK(queue.take({"test"}, std::nullopt) == retry);
  CHECK_FALSE(queue.take({"test"}, std::nullopt));
}

TEST_CASE("a worker gets only steps of its namespaces and handlers") {
  ready_queue queue;
  auto ready = std::make_shared<ready_step>();
  ready->id = make_step_id(make_task_id(milliseconds{1}, 1), 1);
  ready->definition = template_snapshot{samples::linear(1)};
  ready->input = input_snapshot{task_input{}};
  queue.push(ready);
  using names = std::vector<std::string>;
  CHECK_FALSE(queue.first({"other"}, std::nullopt));
  CHECK_FALSE(queue.first({"test"}, names{"test.s2"}));
  CHECK(queue.first({"other", "test"}, names{"test.s2", "test.s1"}) == ready.get());
  CHECK(queue.remove(ready->id) == ready);
  CHECK(queue.size() == 0);
}
