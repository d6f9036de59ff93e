#include "workflow/state_machine.hpp"

#include <array>
#include <deque>
#include <string>

namespace geartrain {

namespace {

template <class State, class Event>
struct row {
  State from;
  Event event;
  State to;
};

using ts = task_state;
using te = task_event;

constexpr row<ts, te> task_rows_table[] = {
  {ts::pending, te::start, ts::initializing},
  {ts::initializing, te::ready_steps_found, ts::enqueuing_steps},
  {ts::initializing, te::no_steps_found, ts::complete},
  {ts::initializing, te::no_dependencies_ready, ts::waiting_for_dependencies},
  {ts::enqueuing_steps, te::steps_enqueued, ts::steps_in_process},
  {ts::enqueuing_steps, te::enqueue_failed, ts::error},
  {ts::steps_in_process, te::step_completed, ts::evaluating_results},
  {ts::steps_in_process, te::all_steps_completed, ts::evaluating_results},
  {ts::steps_in_process, te::step_failed, ts::waiting_for_retry},
  {ts::steps_in_process, te::complete, ts::complete},
  {ts::steps_in_process, te::fail, ts::error},
  {ts::evaluating_results, te::ready_steps_found, ts::enqueuing_steps},
  {ts::evaluating_results, te::no_dependencies_ready, ts::waiting_for_dependencies},
  {ts::evaluating_results, te::all_steps_successful, ts::complete},
  {ts::evaluating_results, te::permanent_failure, ts::blocked_by_failures},
  {ts::waiting_for_dependencies, te::dependencies_ready, ts::evaluating_results},
  {ts::waiting_for_retry, te::retry_ready, ts::enqueuing_steps},
  {ts::blocked_by_failures, te::give_up, ts::error},
  {ts::blocked_by_failures, te::manual_resolution, ts::resolved_manually},
  // An operator's reset of a failed step revives its task; the only way out of a terminal state.
  {ts::error, te::reset, ts::pending},
};

using ss = step_state;
using se = step_event;

constexpr row<ss, se> step_rows_table[] = {
  {ss::pending, se::enqueue, ss::enqueued},
  {ss::enqueued, se::start, ss::in_progress},
  {ss::pending, se::start, ss::in_progress},
  {ss::in_progress, se::enqueue_for_orchestration, ss::enqueued_for_orchestration},
  {ss::in_progress, se::enqueue_as_error_for_orchestration, ss::enqueued_as_error_for_orchestration},
  {ss::in_progress, se::complete, ss::complete},
  {ss::in_progress, se::fail, ss::error},
  {ss::enqueued_for_orchestration, se::complete, ss::complete},
  {ss::enqueued_for_orchestration, se::fail, ss::error},
  {ss::enqueued_as_error_for_orchestration, se::fail, ss::error},
  {ss::enqueued_as_error_for_orchestration, se::wait_for_retry, ss::waiting_for_retry},
  {ss::enqueued_as_error_for_orchestration, se::complete, ss::complete},
  {ss::pending, se::fail, ss::error},
  {ss::enqueued, se::fail, ss::error},
  {ss::pending, se::wait_for_retry, ss::waiting_for_retry},
  {ss::enqueued, se::wait_for_retry, ss::waiting_for_retry},
  {ss::in_progress, se::wait_for_retry, ss::waiting_for_retry},
  {ss::waiting_for_retry, se::retry, ss::pending},
  {ss::error, se::retry, ss::pending},
  {ss::error, se::reset_for_retry, ss::pending},
};

template <class State, class Event, std::size_t N>
std::optional<State> look_up(const row<State, Event> (&table)[N], State from, Event event) {
  for (auto& entry : table)
    if (entry.from == from && entry.event == event)
      return entry.to;
  return std::nullopt;
}

constexpr std::array<std::string_view, task_event_count> task_event_names{"start",
                                                                          "cancel",
                                                                          "give_up",
                                                                          "manual_resolution",
                                                                          "ready_steps_found",
                                                                          "no_steps_found",
                                                                          "no_dependencies_ready",
                                                                          "dependencies_ready",
                                                                          "steps_enqueued",
                                                                          "enqueue_failed",
                                                                          "step_completed",
                                                                          "step_failed",
                                                                          "all_steps_completed",
                                                                          "all_steps_successful",
                                                                          "permanent_failure",
                                                                          "retry_ready",
                                                                          "timeout",
                                                                          "processor_crashed",
                                                                          "complete",
                                                                          "fail",
                                                                          "resolve_manually",
                                                                          "reset"};

constexpr std::array<std::string_view, step_event_count> step_event_names{"enqueue",
                                                                          "start",
                                                                          "enqueue_for_orchestration",
                                                                          "enqueue_as_error_for_orchestration",
                                                                          "complete",
                                                                          "fail",
                                                                          "cancel",
                                                                          "resolve_manually",
                                                                          "complete_manually",
                                                                          "reset_for_retry",
                                                                          "retry",
                                                                          "wait_for_retry"};

// Events that a turn itself may cause; operators' and legacy events are no part of a turn's path.
constexpr std::array turn_events{te::start,          te::ready_steps_found,    te::no_dependencies_ready,
                                 te::steps_enqueued, te::step_completed,       te::step_failed,
                                 te::retry_ready,    te::all_steps_successful, te::permanent_failure,
                                 te::give_up,        te::dependencies_ready};

} // namespace

std::string_view to_string(task_event event) {
  return task_event_names.at(static_cast<std::size_t>(event));
}

std::string_view to_string(step_event event) {
  return step_event_names.at(static_cast<std::size_t>(event));
}

std::optional<task_state> next_state(task_state from, task_event event) {
  if (!is_terminal(from)) {
    if (event == te::cancel)
      return ts::cancelled;
    if (event == te::resolve_manually)
      return ts::resolved_manually;
    if (event == te::timeout)
      return ts::error;
  }
  return look_up(task_rows_table, from, event);
}

std::optional<step_state> next_state(step_state from, step_event event) {
  // Operators may act on every step that is not finished, and on one that failed.
  const bool finished = from == ss::complete || from == ss::cancelled || from == ss::resolved_manually;
  if (event == se::cancel)
    return finished ? std::nullopt : std::optional{ss::cancelled};
  if (event == se::complete_manually)
    return finished ? std::nullopt : std::optional{ss::complete};
  if (event == se::resolve_manually)
    return finished ? std::nullopt : std::optional{ss::resolved_manually};
  return look_up(step_rows_table, from, event);
}

std::optional<std::vector<task_event>> path_between(task_state from, task_state to) {
  if (from == to)
    return std::vector<task_event>{};
  // Breadth first over twelve states: the shortest legal path.
  std::array<std::optional<std::vector<task_event>>, task_state_count> paths;
  paths[static_cast<std::size_t>(from)].emplace();
  std::deque<task_state> open{from};
  while (!open.empty()) {
    auto state = open.front();
    open.pop_front();
    for (auto event : turn_events) {
      auto next = next_state(state, event);
      if (!next || paths[static_cast<std::size_t>(*next)])
        continue;
      auto path = *paths[static_cast<std::size_t>(state)];
      path.push_back(event);
      if (*next == to)
        return path;
      paths[static_cast<std::size_t>(*next)] = std::move(path);
      open.push_back(*next);
    }
  }
  return std::nullopt;
}

bool may_move(task_state from, task_state to) {
  static const auto table = [] {
    std::array<std::array<bool, task_state_count>, task_state_count> allowed{};
    for (std::size_t i = 0; i < task_state_count; ++i)
      for (std::size_t j = 0; j < task_state_count; ++j) {
        auto a = static_cast<task_state>(i);
        auto b = static_cast<task_state>(j);
        allowed[i][j] = path_between(a, b) || next_state(a, te::cancel) == b || next_state(a, te::timeout) == b ||
                        next_state(a, te::reset) == b;
      }
    return allowed;
  }();
  return table[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

illegal_transition::illegal_transition(step_state from, step_event event)
  : std::logic_error("a step in state " + std::string{to_string(from)} + " does not allow the event " +
                     std::string{to_string(event)}) {}

illegal_transition::illegal_transition(task_state from, task_state to)
  : std::logic_error("no legal way leads a task from " + std::string{to_string(from)} + " to " +
                     std::string{to_string(to)}) {}

} // namespace geartrain
