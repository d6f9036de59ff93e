#include "tests/support/sample_templates.hpp"
#include "workflow/fencing.hpp"
#include "workflow/restore.hpp"
#include "workflow/state_machine.hpp"
#include "workflow/turn.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace geartrain;

namespace {

const timestamp t0{std::chrono::seconds{1700000000}};

std::unique_ptr<task_context> fresh(task_template definition) {
  task_input input;
  input.context = json_text{"{}"};
  return new_task(make_task_id(milliseconds{1700000000000}, 1), template_snapshot{std::move(definition)},
                  input_snapshot{input}, t0);
}

/// All step states as one string, in the order of the template.
std::string render(const task_context& context) {
  std::string text;
  for (std::size_t i = 0; i < context.steps.size(); ++i)
    text += (i ? " " : "") + context.definition->steps[i].name + "=" + std::string{to_string(context.steps[i].state)};
  return text;
}

step_report report(const task_context& context, std::uint16_t number, bool success) {
  step_report out;
  out.token.step = make_step_id(context.id, number);
  out.token.attempt = static_cast<std::uint16_t>(context.steps[number - 1u].attempts.size() + 1);
  out.token.nonce = number * 100u + out.token.attempt;
  out.success = success;
  if (success)
    out.result = json_text{"{\"n\":" + std::to_string(number) + "}"};
  else
    out.error = json_text{R"({"message":"no"})"};
  return out;
}

step_outcome outcome(const task_context& context, std::uint16_t number, bool success) {
  return classify(report(context, number, success), context, t0, t0, {}, 0.5);
}

std::vector<std::uint16_t> advance(task_context& context, std::vector<step_outcome> outcomes,
                                   std::vector<std::uint16_t> due, timestamp now) {
  turn_causes causes;
  causes.outcomes = std::move(outcomes);
  causes.due_steps = std::move(due);
  auto enqueued = geartrain::advance(context, causes, {}, now).enqueued;
  std::sort(enqueued.begin(), enqueued.end());
  return enqueued;
}

turn_record close_turn(task_context& context, std::vector<step_outcome> outcomes, task_state state, timestamp now) {
  turn_facts appended;
  appended.outcomes = std::move(outcomes);
  return geartrain::close_turn(context, std::move(appended), state, {}, now);
}

std::vector<std::uint16_t> finish(task_context& context, std::initializer_list<std::uint16_t> numbers) {
  std::vector<step_outcome> outcomes;
  for (auto number : numbers)
    outcomes.push_back(outcome(context, number, true));
  return advance(context, outcomes, {}, t0);
}

using numbers = std::vector<std::uint16_t>;

} // namespace

TEST_CASE("a new task starts with the steps that need nothing") {
  auto task = fresh(samples::diamond());
  CHECK(task->state == task_state::steps_in_process);
  CHECK(render(*task) == "start=enqueued b=pending c=pending end=pending");
  CHECK(enqueued_steps(*task) == numbers{1});
}

TEST_CASE("a join runs when the last of its parents is done, also if they finish in one turn") {
  auto one_by_one = fresh(samples::diamond());
  CHECK(finish(*one_by_one, {1}) == numbers{2, 3});
  CHECK(finish(*one_by_one, {2}).empty());
  CHECK(finish(*one_by_one, {3}) == numbers{4});
  CHECK(finish(*one_by_one, {4}).empty());
  CHECK(resting_state(*one_by_one) == task_state::complete);

  auto together = fresh(samples::diamond());
  finish(*together, {1});
  CHECK(finish(*together, {3, 2}) == numbers{4});
  CHECK(render(*together) == "start=complete b=complete c=complete end=enqueued");
}

TEST_CASE("a retryable failure waits for its time and then runs again") {
  auto definition = samples::linear(2);
  definition.steps[0].retry.backoff = backoff_kind::linear;
  definition.steps[0].retry.backoff_base_ms = 1000;
  auto task = fresh(definition);
  auto failed = outcome(*task, 1, false);
  CHECK(failed.outcome == attempt_outcome::retryable_failure);
  CHECK(failed.next_attempt_at == t0 + std::chrono::seconds{1});
  CHECK(advance(*task, {failed}, {}, t0).empty());
  CHECK(resting_state(*task) == task_state::waiting_for_retry);
  CHECK(nothing_to_run(*task));
  auto record = close_turn(*task, {failed}, resting_state(*task), t0);
  CHECK(record.due_at == failed.next_attempt_at);
  CHECK(advance(*task, {}, {1}, t0 + milliseconds{999}).empty());
  CHECK(advance(*task, {}, {1}, t0 + milliseconds{1000}) == numbers{1});
  resume_if_due(*task, t0);
  CHECK(task->state == task_state::steps_in_process);
  CHECK(make_ready_step(*task, 1, t0)->attempt == 2);
  CHECK(make_ready_step(*task, 1, t0)->previous_error.view() == R"({"message":"no"})");
}

TEST_CASE("attempts end with max_attempts, retryable and the worker's word") {
  auto outcome_of = [](std::uint16_t attempt, std::uint16_t max_attempts, bool retryable, bool workers_word) {
    auto definition = samples::linear(1);
    definition.steps[0].retry.max_attempts = max_attempts;
    definition.steps[0].retry.retryable = retryable;
    auto task = fresh(definition);
    auto failing = report(*task, 1, false);
    failing.token.attempt = attempt;
    failing.retryable = workers_word;
    return classify(failing, *task, t0, t0, {}, 0.5);
  };
  CHECK(outcome_of(1, 2, true, true).outcome == attempt_outcome::retryable_failure);
  auto exhausted = outcome_of(2, 2, true, true);
  CHECK(exhausted.outcome == attempt_outcome::permanent_failure);
  CHECK(exhausted.exhausted == dead_letter_reason::max_retries_exceeded);
  CHECK(outcome_of(1, 2, true, false).outcome == attempt_outcome::permanent_failure);
  CHECK_FALSE(outcome_of(1, 2, true, false).exhausted);
  CHECK(outcome_of(1, 2, false, true).outcome == attempt_outcome::permanent_failure);
  CHECK_FALSE(outcome_of(1, 2, false, true).exhausted);
  CHECK(outcome_of(1, 0, true, true).outcome == attempt_outcome::permanent_failure);
}

TEST_CASE("a delay that a server asks for replaces the computed one, up to the configured bound") {
  auto task = fresh(samples::linear(1));
  auto asked = report(*task, 1, false);
  asked.requested_delay = milliseconds{5000};
  retry_defaults defaults;
  CHECK(classify(asked, *task, t0, t0, defaults, 0.9).next_attempt_at == t0 + milliseconds{5000});
  defaults.max_requested_delay = milliseconds{3000};
  CHECK(classify(asked, *task, t0, t0, defaults, 0.9).next_attempt_at == t0 + milliseconds{3000});
}

TEST_CASE("after a permanent failure running siblings finish and nothing new starts") {
  auto definition = samples::diamond();
  definition.steps[1].retry.max_attempts = 1;
  auto task = fresh(definition);
  finish(*task, {1});
  mark_started(*task, 3, t0);
  CHECK(advance(*task, {outcome(*task, 2, false)}, {}, t0).empty());
  CHECK(render(*task) == "start=complete b=error c=in_progress end=pending");
  CHECK(resting_state(*task) == task_state::blocked_by_failures);
  auto blocked = close_turn(*task, {}, resting_state(*task), t0);
  CHECK_FALSE(blocked.completed_at);
  finish(*task, {3});
  CHECK(resting_state(*task) == task_state::error);
  auto record = close_turn(*task, {}, resting_state(*task), t0);
  CHECK(record.completed_at == t0);
  CHECK(record.steps_failed == 1);
  CHECK(record.steps_completed == 2);
}

TEST_CASE("an expired lease is an attempt that is repeated at once") {
  auto task = fresh(samples::linear(1));
  lease held;
  held.token.step = make_step_id(task->id, 1);
  held.token.attempt = 1;
  held.token.nonce = 5;
  mark_started(*task, 1, t0);
  auto expired = classify_expiry(held, *task, t0);
  CHECK(expired.outcome == attempt_outcome::lease_expired);
  CHECK(advance(*task, {expired}, {}, t0) == numbers{1});
  CHECK(make_ready_step(*task, 1, t0)->attempt == 2);
  SUBCASE("its late result is stale, not a duplicate") {
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::stale);
  }
}

TEST_CASE("fencing") {
  auto task = fresh(samples::linear(2));
  lease held;
  held.token = {make_step_id(task->id, 1), 1, 0, 0, 77, t0 + std::chrono::seconds{30}};
  SUBCASE("the current token holds") {
    CHECK(fence(*task, &held, held.token, t0) == fence_verdict::current);
  }
  SUBCASE("another token of the same attempt does not") {
    auto other = held.token;
    other.nonce = 78;
    CHECK(fence(*task, &held, other, t0) == fence_verdict::stale);
  }
  SUBCASE("after a restart an authentic token holds until it expires") {
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::current);
    CHECK(fence(*task, nullptr, held.token, t0 + std::chrono::seconds{31}) == fence_verdict::stale);
  }
  SUBCASE("a recorded result makes the same token a duplicate and another one stale") {
    auto first = report(*task, 1, true);
    advance(*task, {outcome(*task, 1, true)}, {}, t0);
    CHECK(fence(*task, nullptr, first.token, t0) == fence_verdict::duplicate);
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::stale);
  }
  SUBCASE("what a yield ended is over, and so is every token from before it, whatever the clocks say") {
    step_checkpoint yield;
    yield.number = 1;
    yield.attempt = 1;
    yield.lease_nonce = 79; // of a second token of this attempt
    yield.yielded = true;
    yield.yields = 1;
    yield.at = t0 + std::chrono::seconds{2};
    yield.data = json_text{"{}"};
    mark_started(*task, 1, t0);
    turn_causes causes;
    causes.checkpoints.push_back(yield);
    advance(*task, causes, {}, yield.at);
    auto second = held.token;
    second.nonce = 79;
    CHECK(is_over(*task, second));
    CHECK(is_over(*task, held.token));
    CHECK(fence(*task, nullptr, second, yield.at, true) == fence_verdict::duplicate);
    CHECK(fence(*task, nullptr, second, yield.at, false) == fence_verdict::stale);
    CHECK(fence(*task, nullptr, held.token, yield.at, true) == fence_verdict::stale);
    CHECK(fence(*task, nullptr, held.token, yield.at, false) == fence_verdict::stale);
    CHECK(fence(*task, &held, held.token, yield.at, true) == fence_verdict::stale);
    auto third = held.token; // of a node whose clock is behind
    third.nonce = 80;
    third.yields = 1;
    CHECK_FALSE(is_over(*task, third));
    CHECK(fence(*task, nullptr, third, yield.at, false) == fence_verdict::current);
    CHECK(fence(*task, nullptr, third, yield.at, true) == fence_verdict::current);
  }
  SUBCASE("a token after a yield that is not known here is ahead of it") {
    auto later = held.token;
    later.yields = 1;
    CHECK(is_ahead(*task, later));
    CHECK(fence(*task, nullptr, later, t0) == fence_verdict::stale);
    later.attempt = 2;
    later.yields = 0;
    CHECK(is_ahead(*task, later));
    CHECK_FALSE(is_ahead(*task, held.token));
  }
  SUBCASE("unknown steps") {
    held.token.step = make_step_id(task->id, 3);
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::unknown_step);
    held.token.step = task->id;
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::unknown_step);
  }
  SUBCASE("a step whose parents are not done") {
    held.token.step = make_step_id(task->id, 2);
    CHECK(fence(*task, nullptr, held.token, t0) == fence_verdict::stale);
  }
}

TEST_CASE("rows say the same as the turns that wrote them") {
  auto task = fresh(samples::mixed_dag());
  task_rows rows;
  rows.head.id = task->id;
  rows.head.state = task_state::steps_in_process;
  rows.input = *task->input;
  auto turn = [&](std::initializer_list<std::uint16_t> done) {
    std::vector<step_outcome> outcomes;
    for (auto number : done)
      outcomes.push_back(outcome(*task, number, true));
    advance(*task, outcomes, {}, t0);
    rows.attempts.insert(rows.attempts.end(), outcomes.begin(), outcomes.end());
    rows.head.state = resting_state(*task);
    auto restored = restore_task(rows, task->definition, t0);
    CHECK(render(*restored) == render(*task));
    CHECK(restored->step_counts == task->step_counts);
    for (std::size_t i = 0; i < task->steps.size(); ++i)
      CHECK(restored->steps[i].remaining_parents == task->steps[i].remaining_parents);
  };
  turn({1});
  turn({2});
  turn({3, 5});
  turn({4, 6});
  turn({7});
  CHECK(rows.head.state == task_state::complete);
}

TEST_CASE("a recorded claim holds its step through a restart, also in a blocked task") {
  auto definition = samples::diamond();
  definition.steps[1].retry.max_attempts = 1;
  auto task = fresh(definition);
  task_rows rows;
  rows.head.id = task->id;
  rows.head.state = task_state::blocked_by_failures;
  rows.input = *task->input;
  rows.attempts = {outcome(*task, 1, true)};
  auto failed = report(*task, 2, false);
  rows.attempts.push_back(classify(failed, *task, t0, t0, {}, 0.5));
  claim_row claim;
  claim.number = 3;
  claim.attempt = 1;
  claim.claimed_at = t0;
  rows.claims = {claim};
  auto restored = restore_task(rows, task->definition, t0);
  CHECK(render(*restored) == "start=complete b=error c=in_progress end=pending");
  CHECK(resting_state(*restored) == task_state::blocked_by_failures);
  rows.claims.clear();
  CHECK(resting_state(*restore_task(rows, task->definition, t0)) == task_state::error);
}

TEST_CASE("a handler gets the results of all its ancestors") {
  auto task = fresh(samples::linear(3));
  finish(*task, {1});
  finish(*task, {2});
  auto ready = make_ready_step(*task, 3, t0);
  REQUIRE(ready->dependency_results.size() == 2);
  CHECK(ready->dependency_results[0].value.view() == "{\"n\":1}");
  CHECK(ready->dependency_results[1].value.view() == "{\"n\":2}");
}
