#pragma once

#include "messages/states.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

// Both state machines as tables. Pure functions; thread-safe.

namespace geartrain {

enum class task_event : std::uint8_t {
  start,
  cancel,
  give_up,
  manual_resolution,
  ready_steps_found,
  no_steps_found,
  no_dependencies_ready,
  dependencies_ready,
  steps_enqueued,
  enqueue_failed,
  step_completed,
  step_failed,
  all_steps_completed,
  all_steps_successful,
  permanent_failure,
  retry_ready,
  timeout,
  processor_crashed,
  complete,
  fail,
  resolve_manually,
  reset,
};
inline constexpr std::size_t task_event_count = 22;

enum class step_event : std::uint8_t {
  enqueue,
  start,
  enqueue_for_orchestration,
  enqueue_as_error_for_orchestration,
  complete,
  fail,
  cancel,
  resolve_manually,
  complete_manually,
  reset_for_retry,
  retry,
  wait_for_retry,
};
inline constexpr std::size_t step_event_count = 12;

std::string_view to_string(task_event event);
std::string_view to_string(step_event event);

/// The state that `event` leads to; nothing if the machine does not allow it.
std::optional<task_state> next_state(task_state from, task_event event);
std::optional<step_state> next_state(step_state from, step_event event);

/// The legal events that bring a task from one resting state to another within one turn; empty if from == to.
/// Resting states are those that a committed turn may leave behind. Nothing: there is no legal way.
std::optional<std::vector<task_event>> path_between(task_state from, task_state to);

/// True if a turn may move a task so: along path_between, or because an operator cancelled it or reset a step of it, or
/// because it is past its deadline.
bool may_move(task_state from, task_state to);

/// A rule of the engine was broken by the engine itself; never caused by input.
class illegal_transition : public std::logic_error {
public:
  illegal_transition(step_state from, step_event event);
  illegal_transition(task_state from, task_state to);
};

} // namespace geartrain
