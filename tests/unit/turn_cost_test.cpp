#include "tests/support/out_of_reach.hpp"
#include "workflow/dead_letters.hpp"
#include "workflow/domain_events.hpp"
#include "workflow/step_transitions.hpp"
#include "workflow/templates/template_parser.hpp"
#include "workflow/turn.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

using namespace geartrain;

// A turn looks at the steps that it is about, not at the task's others: those are out of reach of the program meanwhile,
// in the task and in its template. No times are measured, and nothing is counted that could be counted wrong.

namespace {

constexpr std::size_t many = 10000;
const timestamp t0{std::chrono::seconds{1700000000}};

using indices = std::set<std::size_t>;

std::string step(const std::string& name, const std::string& dependencies, const std::string& more = {}) {
  return R"({"name":")" + name + R"(","handler":{"callable":"x"},"dependencies":[)" + dependencies + "]" + more + "}";
}

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

std::unique_ptr<task_context> task_of_steps(const std::vector<std::string>& steps) {
  std::string document = R"({"name":"t","namespace_name":"n","version":"1.0.0","steps":[)";
  for (auto& one : steps)
    document += (&one == steps.data() ? "" : ",") + one;
  auto parsed = parse_template(document + "]}", template_format::json);
  if (auto* found = std::get_if<problems>(&parsed))
    FAIL((*found)[0].path << ": " << (*found)[0].message);
  task_input input;
  input.context = json_text{"{}"};
  return new_task(make_task_id(milliseconds{1700000000000}, 1),
                  template_snapshot{std::get<task_template>(std::move(parsed))}, input_snapshot{input}, t0);
}

/// `many` steps that need nothing.
std::unique_ptr<task_context> wide(const std::string& more = {}) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < many; ++i)
    steps.push_back(step("s" + std::to_string(i), "", more));
  return task_of_steps(steps);
}

step_outcome ended(const task_context& context, std::size_t index, bool success, const std::string& text,
                   bool retryable = true) {
  auto number = static_cast<std::uint16_t>(index + 1);
  step_report report;
  report.token.step = make_step_id(context.id, number);
  report.token.attempt = static_cast<std::uint16_t>(context.step(number).attempts.size() + 1);
  report.token.nonce = 1;
  report.success = success;
  report.retryable = retryable;
  (success ? report.result : report.error) = json_text{text};
  return classify(report, context, t0, t0, {}, 0.5);
}

/// Everything that a result causes, from the report to the record that is written and the steps that are dispatched.
turn_record turn(task_context& context, const std::vector<std::size_t>& which, bool success = true,
                 const std::string& text = "1", bool retryable = true) {
  turn_causes causes;
  for (auto index : which)
    causes.outcomes.push_back(ended(context, index, success, text, retryable));
  auto effects = advance(context, causes, {}, t0);
  turn_facts appended;
  appended.events = events_of(context, causes.outcomes);
  if (auto letter = dead_letter_of(context, causes.outcomes, effects, t0))
    appended.dead_letters.push_back(std::move(*letter));
  appended.outcomes = std::move(causes.outcomes);
  appended.facts = std::move(effects.facts);
  auto record = close_turn(context, std::move(appended), resting_state(context), {}, t0);
  for (auto number : effects.enqueued)
    CHECK(make_ready_step(context, number, t0)->attempt > 0);
  ++context.version;
  return record;
}

/// The same with everything out of reach but some steps.
turn_record turn_within(task_context& context, const indices& steps, const indices& definitions, std::size_t index,
                        bool success = true, const std::string& text = "1") {
  auto others = all_but(context.steps, steps);
  auto their_definitions = all_but(context.definition->steps, definitions);
  CHECK(others.pages() > 400);
  CHECK(their_definitions.pages() > 400);
  return turn(context, {index}, success, text);
}

turn_record turn_within(task_context& context, const indices& steps, std::size_t index, bool success = true) {
  return turn_within(context, steps, steps, index, success);
}

} // namespace

TEST_CASE("what is out of reach ends who touches it") {
  auto task = wide();
  auto ends = [&](auto look) {
    auto child = fork();
    if (child == 0) {
      struct rlimit no_core {};
      setrlimit(RLIMIT_CORE, &no_core);
      std::signal(SIGSEGV, SIG_DFL);
      auto others = all_but(task->steps, {0});
      look();
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
  };
  CHECK(ends([&] { return enqueued_steps(*task).size(); }));
  CHECK_FALSE(ends([&] { return task->step(1).attempts.size(); }));
}

TEST_CASE("a result in a chain looks at its step, the next one, and what that one is given") {
  std::vector<std::string> steps{step("s0", "")};
  for (std::size_t i = 1; i < many; ++i)
    steps.push_back(step("s" + std::to_string(i), quoted("s" + std::to_string(i - 1))));
  auto task = task_of_steps(steps);
  constexpr std::size_t here = 100;
  for (std::size_t i = 0; i < here; ++i)
    turn(*task, {i});
  indices near;
  for (auto i = here + 1 - max_ancestor_depth; i <= here + 1; ++i)
    near.insert(i);
  CHECK_FALSE(turn_within(*task, near, here).writes_head);
  CHECK(task->step(here + 2).state == step_state::enqueued);
}

TEST_CASE("a result among many looks at its own step, also the last one, and at what it unlocks") {
  auto independent = wide();
  turn_within(*independent, {7}, 7);
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i + 1 < many; ++i)
    if (i != 7)
      others.push_back(i);
  turn(*independent, others);
  CHECK(turn_within(*independent, {many - 1}, many - 1).state == task_state::complete);

  std::vector<std::string> steps;
  std::string all;
  for (std::size_t i = 0; i + 1 < many; ++i) {
    steps.push_back(step("s" + std::to_string(i), ""));
    all += (i ? "," : "") + quoted("s" + std::to_string(i));
  }
  steps.push_back(step("join", all));
  auto joined = task_of_steps(steps);
  CHECK(turn_within(*joined, {7, many - 1}, 7).state == task_state::steps_in_process);
}

TEST_CASE("a failure that leaves only waiting steps looks at its own and at the one that is due first") {
  auto task = wide(R"(,"retry":{"backoff":"linear","backoff_base_ms":50000,"max_backoff_ms":50000})");
  std::vector<std::size_t> others;
  for (std::size_t i = 1; i < many; ++i)
    others.push_back(i);
  turn(*task, others, false, R"({"message":"no"})");
  auto& first = task->step(5000);
  first.next_attempt_at = t0 + std::chrono::seconds{1};
  note_retry(*task, 5000);
  auto record = turn_within(*task, {0, 4999}, {0}, 0, false, R"({"message":"no"})");
  CHECK(record.state == task_state::waiting_for_retry);
  CHECK(record.due_at == first.next_attempt_at);
}

TEST_CASE("a result in a blocked task looks at its own step") {
  std::vector<std::string> steps{step("fails", ""), step("runs", ""), step("runs_too", "")};
  for (std::size_t i = 3; i < many; ++i)
    steps.push_back(step("s" + std::to_string(i), quoted("fails")));
  auto task = task_of_steps(steps);
  for (auto number : std::array<std::uint16_t, 3>{1, 2, 3})
    mark_started(*task, number, t0);
  turn(*task, {0}, false, R"({"message":"no"})", false);
  CHECK(turn_within(*task, {1}, 1).state == task_state::blocked_by_failures);
  CHECK(turn_within(*task, {2}, 2).state == task_state::error);
}

TEST_CASE("a decision looks at what it may ask for") {
  std::vector<std::string> steps{step("start", ""), step("route", quoted("start"), R"(,"type":"decision")"),
                                 step("left", quoted("route")), step("right", quoted("route"))};
  for (std::size_t i = steps.size(); i < many; ++i)
    steps.push_back(step("s" + std::to_string(i), ""));
  auto task = task_of_steps(steps);
  turn(*task, {0});
  const std::string choice = R"({"decision_point_outcome":{"type":"create_steps","step_names":["left"]}})";
  turn_within(*task, {0, 1, 2, 3}, {0, 1, 2, 3}, 1, true, choice);
  CHECK(task->step(3).state == step_state::enqueued);
  CHECK(task->step(4).being == existence::never);
}

TEST_CASE("a worker's result looks at its own step, its batch's, and the worker that comes next") {
  std::vector<std::string> steps{
    step("plan", "", R"(,"type":"batchable")"),
    step("part", quoted("plan"),
         R"(,"type":"batch_worker","batch_config":{"worker_template":"part","parallelism":10})")};
  for (std::size_t i = steps.size(); i < many; ++i)
    steps.push_back(step("s" + std::to_string(i), ""));
  auto task = task_of_steps(steps);
  std::string cursors;
  for (std::size_t i = 0; i < many; ++i)
    cursors += (i ? R"(,{"batch_id":")" : R"({"batch_id":")") + std::to_string(i) + R"("})";
  turn(*task, {0}, true,
       R"({"batch_processing_outcome":{"type":"create_batches","cursor_configs":[)" + cursors + "]}}");
  REQUIRE(task->steps.size() == 2 * many);
  turn(*task, {many});
  turn_within(*task, {0, 1, many + 1, many + 10, many + 11}, {0, 1}, many + 1);
  CHECK(task->step(many + 12).state == step_state::enqueued);
  CHECK(task->step(many + 13).state == step_state::pending);
}
