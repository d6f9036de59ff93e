#include "workflow/state_machine.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace geartrain;

namespace {

template <class State, class Event>
std::map<std::string, std::string> render(std::size_t states, std::size_t events) {
  std::map<std::string, std::string> table;
  for (std::size_t s = 0; s < states; ++s)
    for (std::size_t e = 0; e < events; ++e)
      if (auto to = next_state(static_cast<State>(s), static_cast<Event>(e)))
        table[std::string{to_string(static_cast<State>(s))} + " + " + std::string{to_string(static_cast<Event>(e))}] =
          to_string(*to);
  return table;
}

} // namespace

TEST_CASE("the task machine allows exactly the transitions of its table") {
  std::map<std::string, std::string> expected{
    {"pending + start", "initializing"},
    {"initializing + ready_steps_found", "enqueuing_steps"},
    {"initializing + no_steps_found", "complete"},
    {"initializing + no_dependencies_ready", "waiting_for_dependencies"},
    {"enqueuing_steps + steps_enqueued", "steps_in_process"},
    {"enqueuing_steps + enqueue_failed", "error"},
    {"steps_in_process + step_completed", "evaluating_results"},
    {"steps_in_process + all_steps_completed", "evaluating_results"},
    {"steps_in_process + step_failed", "waiting_for_retry"},
    {"steps_in_process + complete", "complete"},
    {"steps_in_process + fail", "error"},
    {"evaluating_results + ready_steps_found", "enqueuing_steps"},
    {"evaluating_results + no_dependencies_ready", "waiting_for_dependencies"},
    {"evaluating_results + all_steps_successful", "complete"},
    {"evaluating_results + permanent_failure", "blocked_by_failures"},
    {"waiting_for_dependencies + dependencies_ready", "evaluating_results"},
    {"waiting_for_retry + retry_ready", "enqueuing_steps"},
    {"blocked_by_failures + give_up", "error"},
    {"blocked_by_failures + manual_resolution", "resolved_manually"},
    {"error + reset", "pending"},
  };
  for (auto state : {"pending", "initializing", "enqueuing_steps", "steps_in_process", "evaluating_results",
                     "waiting_for_dependencies", "waiting_for_retry", "blocked_by_failures"}) {
    expected[std::string{state} + " + cancel"] = "cancelled";
    expected[std::string{state} + " + resolve_manually"] = "resolved_manually";
    expected[std::string{state} + " + timeout"] = "error";
  }
  CHECK(render<task_state, task_event>(task_state_count, task_event_count) == expected);
}

TEST_CASE("the step machine allows exactly the transitions of its table") {
  std::map<std::string, std::string> expected{
    {"pending + enqueue", "enqueued"},
    {"enqueued + start", "in_progress"},
    {"pending + start", "in_progress"},
    {"in_progress + enqueue_for_orchestration", "enqueued_for_orchestration"},
    {"in_progress + enqueue_as_error_for_orchestration", "enqueued_as_error_for_orchestration"},
    {"in_progress + complete", "complete"},
    {"in_progress + fail", "error"},
    {"enqueued_for_orchestration + complete", "complete"},
    {"enqueued_for_orchestration + fail", "error"},
    {"enqueued_as_error_for_orchestration + fail", "error"},
    {"enqueued_as_error_for_orchestration + wait_for_retry", "waiting_for_retry"},
    {"enqueued_as_error_for_orchestration + complete", "complete"},
    {"pending + fail", "error"},
    {"enqueued + fail", "error"},
    {"pending + wait_for_retry", "waiting_for_retry"},
    {"enqueued + wait_for_retry", "waiting_for_retry"},
    {"in_progress + wait_for_retry", "waiting_for_retry"},
    {"waiting_for_retry + retry", "pending"},
    {"error + retry", "pending"},
    {"error + reset_for_retry", "pending"},
  };
  for (auto state : {"pending", "enqueued", "in_progress", "enqueued_for_orchestration",
                     "enqueued_as_error_for_orchestration", "waiting_for_retry", "error"}) {
    expected[std::string{state} + " + cancel"] = "cancelled";
    expected[std::string{state} + " + complete_manually"] = "complete";
    expected[std::string{state} + " + resolve_manually"] = "resolved_manually";
  }
  CHECK(render<step_state, step_event>(step_state_count, step_event_count) == expected);
}

TEST_CASE("every way between resting states is a chain of legal transitions") {
  const std::set<task_state> resting{
    task_state::steps_in_process,    task_state::waiting_for_retry, task_state::waiting_for_dependencies,
    task_state::blocked_by_failures, task_state::complete,          task_state::error};
  for (auto from : resting)
    for (auto to : resting) {
      auto path = path_between(from, to);
      if (is_terminal(from) && from != to) {
        CHECK_FALSE(path);
        continue;
      }
      if (!path)
        continue;
      auto state = from;
      for (auto event : *path) {
        auto next = next_state(state, event);
        REQUIRE(next);
        state = *next;
      }
      CHECK(state == to);
    }
  CHECK(path_between(task_state::steps_in_process, task_state::complete));
  CHECK(path_between(task_state::steps_in_process, task_state::error));
  CHECK(path_between(task_state::steps_in_process, task_state::waiting_for_retry));
  CHECK(path_between(task_state::waiting_for_retry, task_state::steps_in_process));
  CHECK(path_between(task_state::blocked_by_failures, task_state::error));
  CHECK_FALSE(path_between(task_state::blocked_by_failures, task_state::complete));
}

TEST_CASE("state names survive parsing") {
  for (std::size_t i = 0; i < task_state_count; ++i)
    CHECK(parse_task_state(to_string(static_cast<task_state>(i))) == static_cast<task_state>(i));
  CHECK_FALSE(parse_task_state("completed"));
}
