#include "tests/support/sample_templates.hpp"
#include "workflow/deadlines.hpp"
#include "workflow/turn.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace std::chrono_literals;

namespace {

const timestamp t0{std::chrono::seconds{1700000000}};

std::unique_ptr<task_context> chain(lifecycle_policy lifecycle = {}) {
  auto definition = samples::linear(2);
  definition.lifecycle = lifecycle;
  return new_task(make_task_id(milliseconds{1700000000000}, 1), template_snapshot{std::move(definition)},
                  input_snapshot{task_input{}}, t0);
}

/// No turn leaves a task like this one: nothing runs, nothing waits for a retry, nothing failed, and yet steps are open.
std::unique_ptr<task_context> waiting_for_itself(lifecycle_policy lifecycle = {}) {
  auto task = chain(lifecycle);
  withdraw(*task, {1});
  task->state = task_state::waiting_for_dependencies;
  return task;
}

} // namespace

TEST_CASE("what waits for itself is given up as a cycle, when its time in that state is over") {
  auto task = waiting_for_itself();
  CHECK(resting_state(*task) == task_state::waiting_for_dependencies);
  CHECK(deadline_of(*task, {}, {}) == t0 + 1h);
  CHECK_FALSE(stale_verdict(*task, {}, t0 + 59min));
  auto verdict = stale_verdict(*task, {}, t0 + 60min);
  REQUIRE(verdict);
  CHECK(verdict->reason == dead_letter_reason::dependency_cycle_detected);
  CHECK(verdict->message == "the task is waiting_for_dependencies for 60 minutes");
}

TEST_CASE("the turn that gives it up ends the task and tells why") {
  auto task = waiting_for_itself();
  turn_causes causes;
  causes.deadline = true;
  auto effects = advance(*task, causes, {}, t0 + 61min);
  CHECK(effects.stale == dead_letter_reason::dependency_cycle_detected);
  REQUIRE(effects.facts.size() == 1);
  CHECK(effects.facts[0].kind == fact_kind::task_went_stale);
  CHECK(task->state == task_state::error);
}

TEST_CASE("the template's threshold counts from the state, and its action decides about the dead letter") {
  lifecycle_policy lifecycle;
  lifecycle.max_waiting_for_dependencies = 5min;
  CHECK(stale_verdict(*waiting_for_itself(lifecycle), {}, t0 + 5min)->reason ==
        dead_letter_reason::dependency_cycle_detected);
  lifecycle.action = staleness_action::error;
  auto verdict = stale_verdict(*waiting_for_itself(lifecycle), {}, t0 + 5min);
  REQUIRE(verdict);
  CHECK_FALSE(verdict->reason);
  lifecycle.action = staleness_action::none;
  CHECK_FALSE(stale_verdict(*waiting_for_itself(lifecycle), {}, t0 + 5min));
}

TEST_CASE("no cycle: something runs, waits for a worker or waits for a retry") {
  auto idle = chain();
  CHECK(stale_verdict(*idle, {}, t0 + 30min)->reason == dead_letter_reason::staleness_timeout);

  auto running = chain();
  mark_started(*running, 1, t0);
  CHECK_FALSE(stale_verdict(*running, {}, t0 + 30min));

  auto retrying = chain();
  step_report report;
  report.token.step = make_step_id(retrying->id, 1);
  report.token.attempt = 1;
  turn_causes causes;
  causes.outcomes.push_back(classify(report, *retrying, t0, t0, {}, 0.5));
  causes.outcomes[0].next_attempt_at = t0 + 10min;
  advance(*retrying, causes, {}, t0);
  enter_state(*retrying, resting_state(*retrying), t0);
  CHECK(retrying->state == task_state::waiting_for_retry);
  CHECK_FALSE(stale_verdict(*retrying, {}, t0 + 39min));
  CHECK(stale_verdict(*retrying, {}, t0 + 40min)->reason == dead_letter_reason::staleness_timeout);
}
