#pragma once

#include "messages/task.hpp"

#include <chrono>
#include <optional>
#include <string>

// When a task counts as stuck. Thresholds of its template count from the moment at which it entered its state. Those of
// the node apply where the template says nothing; they are about tasks that nothing happens to: they count from the last
// turn or from the time at which the task would have gone on, and leave it alone while a worker is busy with it.

namespace geartrain {

/// The node's thresholds; absent: none.
struct staleness_limits {
  std::optional<std::chrono::seconds> waiting_for_dependencies{3600};
  std::optional<std::chrono::seconds> waiting_for_retry{1800};
  std::optional<std::chrono::seconds> steps_in_process{1800};
  std::optional<std::chrono::seconds> max_duration;
};

struct staleness_verdict {
  std::optional<dead_letter_reason> reason; ///< absent: the template wants no dead letter
  std::string message;
};

/// When to look at the task in its present state; `due_at` is when it would go on by itself. Absent: never.
std::optional<timestamp> deadline_of(const task_context& context, const staleness_limits& limits,
                                     std::optional<timestamp> due_at);

/// What it means that the deadline has come; nothing if it has not, or if the template wants nothing to happen.
std::optional<staleness_verdict> stale_verdict(const task_context& context, const staleness_limits& limits,
                                               timestamp now);

} // namespace geartrain
