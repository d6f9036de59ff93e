#include "workflow/deadlines.hpp"

#include <algorithm>

namespace geartrain {

namespace {

using std::chrono::minutes;

struct threshold {
  std::optional<std::chrono::seconds> own; ///< the template's
  std::optional<std::chrono::seconds> general;
};

threshold threshold_of(const task_context& context, const staleness_limits& limits) {
  auto& own = context.definition->lifecycle;
  switch (context.state) {
    case task_state::waiting_for_dependencies:
      return {own.max_waiting_for_dependencies, limits.waiting_for_dependencies};
    case task_state::waiting_for_retry:
      return {own.max_waiting_for_retry, limits.waiting_for_retry};
    default:
      return {own.max_steps_in_process, limits.steps_in_process};
  }
}

std::optional<timestamp> earlier(std::optional<timestamp> a, std::optional<timestamp> b) {
  if (!a || !b)
    return a ? a : b;
  return std::min(*a, *b);
}

std::optional<timestamp> end_of_life(const task_context& context, const staleness_limits& limits) {
  std::optional<std::chrono::seconds> longest = context.definition->lifecycle.max_duration;
  if (!longest)
    longest = limits.max_duration;
  if (!longest)
    return std::nullopt;
  return context.input->start_at.value_or(context.created_at) + *longest;
}

std::optional<timestamp> end_of_state(const task_context& context, const staleness_limits& limits,
                                      std::optional<timestamp> due_at) {
  if (context.state == task_state::pending)
    return std::nullopt;
  auto [own, general] = threshold_of(context, limits);
  if (own)
    return context.state_since + *own;
  if (!general)
    return std::nullopt;
  return std::max(context.updated_at, due_at.value_or(context.updated_at)) + *general;
}

/// Nothing of the task can ever run: what waits waits for itself.
bool waits_for_itself(const task_context& context) {
  return context.state == task_state::waiting_for_dependencies && context.count(step_state::waiting_for_retry) == 0 &&
         context.count(step_state::pending) > 0;
}

} // namespace

std::optional<timestamp> deadline_of(const task_context& context, const staleness_limits& limits,
                                     std::optional<timestamp> due_at) {
  if (is_terminal(context.state) || context.paused || context.definition->lifecycle.action == staleness_action::none)
    return std::nullopt;
  return earlier(end_of_state(context, limits, due_at), end_of_life(context, limits));
}

std::optional<staleness_verdict> stale_verdict(const task_context& context, const staleness_limits& limits,
                                               timestamp now) {
  std::optional<timestamp> due_at;
  for (auto& step : context.steps)
    if (step.state == step_state::waiting_for_retry)
      due_at = earlier(due_at, step.next_attempt_at);
  auto deadline = deadline_of(context, limits, due_at);
  if (!deadline || *deadline > now)
    return std::nullopt;
  auto life = end_of_life(context, limits);
  auto by_age = life && *life <= now;
  auto own = threshold_of(context, limits).own.has_value();
  if (!by_age && !own && context.count(step_state::in_progress) > 0)
    return std::nullopt;
  staleness_verdict verdict;
  auto since = by_age ? context.created_at : context.state_since;
  auto age = std::chrono::duration_cast<minutes>(now - since).count();
  verdict.message =
    by_age ? "the task is open for " + std::to_string(age) + " minutes"
           : "the task is " + std::string{to_string(context.state)} + " for " + std::to_string(age) + " minutes";
  if (context.definition->lifecycle.action == staleness_action::dlq)
    verdict.reason =
      waits_for_itself(context) ? dead_letter_reason::dependency_cycle_detected : dead_letter_reason::staleness_timeout;
  return verdict;
}

} // namespace geartrain
