#include "messages/states.hpp"

#include <array>
#include <string>

namespace geartrain {

namespace {

constexpr std::array<std::string_view, task_state_count> task_names{"pending",
                                                                    "initializing",
                                                                    "enqueuing_steps",
                                                                    "steps_in_process",
                                                                    "evaluating_results",
                                                                    "waiting_for_dependencies",
                                                                    "waiting_for_retry",
                                                                    "blocked_by_failures",
                                                                    "complete",
                                                                    "error",
                                                                    "cancelled",
                                                                    "resolved_manually"};

constexpr std::array<std::string_view, step_state_count> step_names{"pending",
                                                                    "enqueued",
                                                                    "in_progress",
                                                                    "enqueued_for_orchestration",
                                                                    "enqueued_as_error_for_orchestration",
                                                                    "waiting_for_retry",
                                                                    "complete",
                                                                    "error",
                                                                    "cancelled",
                                                                    "resolved_manually"};

constexpr std::array<std::string_view, 6> outcome_names{
  "none", "success", "retryable_failure", "permanent_failure", "lease_expired", "timed_out"};

constexpr std::array<std::string_view, 5> type_names{"standard", "decision", "deferred_convergence", "batchable",
                                                     "batch_worker"};

constexpr std::array<std::string_view, 4> backoff_names{"none", "linear", "exponential", "fibonacci"};

constexpr std::array<std::string_view, 3> identity_names{"strict", "caller_provided", "always_unique"};

constexpr std::array<std::string_view, 11> fact_names{"none",
                                                      "decided",
                                                      "batched",
                                                      "task_cancelled",
                                                      "reset_for_retry",
                                                      "resolve_manually",
                                                      "complete_manually",
                                                      "task_paused",
                                                      "task_resumed",
                                                      "task_redriven",
                                                      "task_went_stale"};

constexpr std::array<std::string_view, 7> reason_names{
  "none",       "staleness_timeout", "max_retries_exceeded", "dependency_cycle_detected", "worker_unavailable",
  "manual_dlq", "invalid_request"};

constexpr std::array<std::string_view, 5> resolution_names{"none", "pending", "manually_resolved", "permanently_failed",
                                                           "cancelled"};

constexpr std::array<std::string_view, 3> staleness_names{"dlq", "error", "none"};

constexpr std::array<std::string_view, 3> strategy_names{"continue_on_failure", "fail_fast", "isolate"};

constexpr std::array<std::string_view, 5> condition_names{"success", "failure", "retryable_failure",
                                                          "permanent_failure", "always"};

constexpr std::array<std::string_view, 4> delivery_names{"none", "durable", "fast", "broadcast"};

/// "ManualDlq" reads as "manual_dlq".
std::string snake_case(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty())
        out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

/// For names whose first entry stands for nothing.
template <class Enum, std::size_t N>
std::optional<Enum> parse_from_one(const std::array<std::string_view, N>& names, std::string_view text) {
  auto plain = snake_case(text);
  for (std::size_t i = 1; i < N; ++i)
    if (names[i] == plain)
      return static_cast<Enum>(i);
  return std::nullopt;
}

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text)
      return static_cast<Enum>(i);
  return std::nullopt;
}

template <class Enum, std::size_t N>
std::string_view name(const std::array<std::string_view, N>& names, Enum value) {
  auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : std::string_view{"unknown"};
}

} // namespace

std::string_view to_string(task_state state) {
  return name(task_names, state);
}

std::string_view to_string(step_state state) {
  return name(step_names, state);
}

std::string_view to_string(attempt_outcome outcome) {
  return name(outcome_names, outcome);
}

std::string_view to_string(step_type type) {
  return name(type_names, type);
}

std::string_view to_string(backoff_kind kind) {
  return name(backoff_names, kind);
}

std::string_view to_string(identity_strategy strategy) {
  return name(identity_names, strategy);
}

std::string_view to_string(fact_kind kind) {
  return name(fact_names, kind);
}

std::string_view to_string(dead_letter_reason reason) {
  return name(reason_names, reason);
}

std::string_view to_string(resolution_status status) {
  return name(resolution_names, status);
}

std::string_view to_string(staleness_action action) {
  return name(staleness_names, action);
}

std::string_view to_string(batch_failure_strategy strategy) {
  return name(strategy_names, strategy);
}

std::string_view to_string(event_condition condition) {
  return name(condition_names, condition);
}

std::string_view to_string(delivery_mode mode) {
  return name(delivery_names, mode);
}

std::optional<dead_letter_reason> parse_dead_letter_reason(std::string_view text) {
  return parse_from_one<dead_letter_reason>(reason_names, text);
}

std::optional<resolution_status> parse_resolution_status(std::string_view text) {
  return parse_from_one<resolution_status>(resolution_names, text);
}

std::optional<task_state> parse_task_state(std::string_view text) {
  return parse<task_state>(task_names, text);
}

std::optional<step_type> parse_step_type(std::string_view text) {
  return parse<step_type>(type_names, text);
}

std::optional<backoff_kind> parse_backoff_kind(std::string_view text) {
  return parse<backoff_kind>(backoff_names, text);
}

std::optional<identity_strategy> parse_identity_strategy(std::string_view text) {
  return parse<identity_strategy>(identity_names, text);
}

} // namespace geartrain
