#include "messages/states.hpp"

#include <array>

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

constexpr std::array<std::string_view, 5> outcome_names{"none", "success", "retryable_failure", "permanent_failure",
                                                        "lease_expired"};

constexpr std::array<std::string_view, 5> type_names{"standard", "decision", "deferred_convergence", "batchable",
                                                     "batch_worker"};

constexpr std::array<std::string_view, 4> backoff_names{"none", "linear", "exponential", "fibonacci"};

constexpr std::array<std::string_view, 3> identity_names{"strict", "caller_provided", "always_unique"};

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
