#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace geartrain {

/// State of a task. The numbers are stored: never renumber. The last four are terminal.
enum class task_state : std::uint8_t {
  pending = 0,
  initializing = 1,
  enqueuing_steps = 2,
  steps_in_process = 3,
  evaluating_results = 4,
  waiting_for_dependencies = 5,
  waiting_for_retry = 6,
  blocked_by_failures = 7,
  complete = 8,
  error = 9,
  cancelled = 10,
  resolved_manually = 11,
};
inline constexpr std::size_t task_state_count = 12;

/// State of a step. The numbers are stored: never renumber.
enum class step_state : std::uint8_t {
  pending = 0,
  enqueued = 1,
  in_progress = 2,
  enqueued_for_orchestration = 3,
  enqueued_as_error_for_orchestration = 4,
  waiting_for_retry = 5,
  complete = 6,
  error = 7,
  cancelled = 8,
  resolved_manually = 9,
};
inline constexpr std::size_t step_state_count = 10;

/// How one attempt of a step ended. The numbers are stored: never renumber.
enum class attempt_outcome : std::uint8_t {
  success = 1,
  retryable_failure = 2,
  permanent_failure = 3,
  lease_expired = 4,
};

/// What a step is for; decides when it comes into being.
enum class step_type : std::uint8_t { standard, decision, deferred_convergence, batchable, batch_worker };

/// How the delay between attempts grows.
enum class backoff_kind : std::uint8_t { none, linear, exponential, fibonacci };

/// What makes two creation requests the same task. The numbers are stored: never renumber.
enum class identity_strategy : std::uint8_t { strict = 0, caller_provided = 1, always_unique = 2 };

/// The snake_case names used on the wire.
std::string_view to_string(task_state state);
std::string_view to_string(step_state state);
std::string_view to_string(attempt_outcome outcome);
std::string_view to_string(step_type type);
std::string_view to_string(backoff_kind kind);
std::string_view to_string(identity_strategy strategy);

std::optional<task_state> parse_task_state(std::string_view text);
std::optional<step_type> parse_step_type(std::string_view text);
std::optional<backoff_kind> parse_backoff_kind(std::string_view text);
std::optional<identity_strategy> parse_identity_strategy(std::string_view text);

constexpr bool is_terminal(task_state state) {
  return state >= task_state::complete;
}

/// True when the step lets its children run.
constexpr bool satisfies_children(step_state state) {
  return state == step_state::complete || state == step_state::resolved_manually;
}

} // namespace geartrain
