#pragma once

#include "messages/task.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// What readers are shown of a task beyond its rows. Pure functions of a task's context and the time.

namespace geartrain {

/// Derived figures of one step.
struct step_figures {
  std::uint32_t total_parents = 0;     ///< dependencies that exist; every worker of a batch counts
  std::uint32_t completed_parents = 0; ///< those that do not hold the step back any more
  bool dependencies_satisfied = false;
  bool retry_eligible = false; ///< another attempt would be allowed
  bool ready = false;          ///< pending or waiting for retry, and nothing stands in its way
  std::uint32_t attempts = 0;  ///< since the last reset: ended ones, and the one that is with a worker
  std::uint32_t max_attempts = 1;
  std::optional<std::int64_t> backoff_seconds; ///< of the retry that it waits for, rounded up
};

/// Derived figures of a task.
struct task_figures {
  std::uint32_t total = 0;
  std::uint32_t pending = 0;
  std::uint32_t enqueued = 0; ///< for a worker or for the engine
  std::uint32_t in_progress = 0;
  std::uint32_t completed = 0; ///< complete or resolved by hand
  std::uint32_t failed = 0;    ///< in error, those that do not block the task included
  std::uint32_t blocking = 0;  ///< in error, and nothing goes on because of them
  std::uint32_t ready = 0;
  double completion_percentage = 0; ///< two decimals; 0 for a task without steps
  std::string_view execution_status;
  std::string_view recommended_action;
  std::string_view health_status;
};

/// True for steps that have come into being. What stands in the template for the workers of a batch is none of them.
/// Numbers that name no step are not shown either.
bool is_shown(const task_context& task, std::uint16_t number);

/// The numbers of the steps that are shown, ascending.
std::vector<std::uint16_t> shown_steps(const task_context& task);

step_figures figures_of_step(const task_context& task, std::uint16_t number, timestamp now);

task_figures figures_of_task(const task_context& task, timestamp now);

/// When something last happened to the step.
timestamp updated_at(const task_context& task, const step_record& step);

} // namespace geartrain
