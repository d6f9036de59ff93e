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
  timed_out = 5, ///< longer than the step's timeout_seconds
};
inline constexpr std::size_t attempt_outcome_count = 5;

/// What was recorded about a task besides ended attempts. The numbers are stored: never renumber.
enum class fact_kind : std::uint8_t {
  decided = 1,          ///< a decision step chose what comes into being
  batched = 2,          ///< a batchable step was cut into batches
  task_cancelled = 3,   ///< by an operator
  step_reset = 4,       ///< by an operator: fresh attempts
  step_resolved = 5,    ///< by an operator: its children may run, without a result
  step_completed = 6,   ///< by an operator, with a result
  task_paused = 7,      ///< by an operator
  task_resumed = 8,     ///< by an operator
  task_redriven = 9,    ///< by an operator: every failed step is reset
  task_went_stale = 10, ///< past its deadline
};
inline constexpr std::size_t fact_kind_count = 10;

/// Why a task became a case for an operator. The numbers are stored: never renumber.
enum class dead_letter_reason : std::uint8_t {
  staleness_timeout = 1,
  max_retries_exceeded = 2,
  dependency_cycle_detected = 3,
  worker_unavailable = 4,
  manual_dlq = 5,
  invalid_request = 6, ///< a request from the inbox that can't become a task
};
inline constexpr std::size_t dead_letter_reason_count = 6;

/// Where an operator's investigation of a dead letter stands. The numbers are stored: never renumber.
enum class resolution_status : std::uint8_t {
  pending = 1,
  manually_resolved = 2,
  permanently_failed = 3,
  cancelled = 4,
};

/// What happens to a task past its deadline.
enum class staleness_action : std::uint8_t { dlq, error, none };

/// What a failed worker means for its batch.
enum class batch_failure_strategy : std::uint8_t { continue_on_failure, fail_fast, isolate };

/// When a step's event is published.
enum class event_condition : std::uint8_t { success, failure, retryable_failure, permanent_failure, always };

/// How far an event's delivery goes. The numbers are stored: never renumber.
enum class delivery_mode : std::uint8_t {
  durable = 1,   ///< written with the turn
  fast = 2,      ///< only to those who listen now
  broadcast = 3, ///< both
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
std::string_view to_string(fact_kind kind);
std::string_view to_string(dead_letter_reason reason);
std::string_view to_string(resolution_status status);
std::string_view to_string(staleness_action action);
std::string_view to_string(batch_failure_strategy strategy);
std::string_view to_string(event_condition condition);
std::string_view to_string(delivery_mode mode);

std::optional<task_state> parse_task_state(std::string_view text);
std::optional<step_type> parse_step_type(std::string_view text);
std::optional<backoff_kind> parse_backoff_kind(std::string_view text);
std::optional<identity_strategy> parse_identity_strategy(std::string_view text);
std::optional<dead_letter_reason> parse_dead_letter_reason(std::string_view text); ///< PascalCase too
std::optional<resolution_status> parse_resolution_status(std::string_view text);   ///< PascalCase too

constexpr bool is_terminal(task_state state) {
  return state >= task_state::complete;
}

/// True when the step lets its children run.
constexpr bool satisfies_children(step_state state) {
  return state == step_state::complete || state == step_state::resolved_manually;
}

} // namespace geartrain
