#include "workflow/turn.hpp"

namespace geartrain {

namespace {

/// Attempts that count against the limit: those since the last reset.
std::uint32_t counted(const task_context& context, std::uint16_t number, std::uint16_t attempt) {
  return static_cast<std::uint32_t>(attempt - context.step(number).forgiven);
}

step_outcome begin(const lease_token& token, timestamp claimed_at, timestamp now) {
  step_outcome outcome;
  outcome.number = number_of(token.step);
  outcome.attempt = token.attempt;
  outcome.lease_nonce = token.nonce;
  outcome.claimed_at = claimed_at;
  outcome.finished_at = now;
  return outcome;
}

/// Another attempt after `delay`, if one is left; else the end, for the reason `exhausted`.
void fail(step_outcome& outcome, const task_context& context, milliseconds delay, dead_letter_reason exhausted) {
  auto& retry = context.definition_of(outcome.number).retry;
  if (retry.retryable && counted(context, outcome.number, outcome.attempt) < retry.max_attempts)
    outcome.next_attempt_at = outcome.finished_at + delay;
  else if (retry.retryable)
    outcome.exhausted = exhausted;
}

} // namespace

step_outcome classify(const step_report& report, const task_context& context, timestamp claimed_at, timestamp now,
                      const retry_defaults& defaults, double random) {
  auto outcome = begin(report.token, claimed_at, now);
  outcome.worker = report.worker;
  outcome.execution_time_ms = report.execution_time_ms;
  outcome.metadata = report.metadata;
  if (report.success) {
    outcome.outcome = attempt_outcome::success;
    outcome.result = report.result;
    return outcome;
  }
  outcome.error = report.error;
  if (report.retryable) {
    auto failures = counted(context, outcome.number, outcome.attempt);
    auto delay = report.requested_delay
                   ? std::min(*report.requested_delay, defaults.max_requested_delay)
                   : backoff_delay(context.definition_of(outcome.number).retry, defaults, failures, random);
    fail(outcome, context, delay, dead_letter_reason::max_retries_exceeded);
  }
  outcome.outcome = outcome.next_attempt_at ? attempt_outcome::retryable_failure : attempt_outcome::permanent_failure;
  return outcome;
}

step_outcome classify_expiry(const lease& expired, const task_context& context, timestamp now) {
  auto outcome = begin(expired.token, expired.claimed_at, now);
  outcome.worker = expired.worker;
  outcome.outcome = attempt_outcome::lease_expired;
  outcome.error = json_text{
    R"({"message":"the lease expired before the worker reported a result","error_type":"lease_expired","retryable":true})"};
  fail(outcome, context, milliseconds{0}, dead_letter_reason::worker_unavailable);
  return outcome;
}

step_outcome classify_timeout(const lease& expired, const task_context& context, timestamp now,
                              const retry_defaults& defaults, double random) {
  auto outcome = begin(expired.token, expired.claimed_at, now);
  auto& definition = context.definition_of(outcome.number);
  outcome.worker = expired.worker;
  outcome.error = json_text{"{\"message\":\"the attempt took longer than its timeout of " +
                            std::to_string(definition.timeout_seconds.value_or(0)) +
                            " s\",\"error_type\":\"step_timeout\",\"retryable\":true}"};
  auto delay = backoff_delay(definition.retry, defaults, counted(context, outcome.number, outcome.attempt), random);
  fail(outcome, context, delay, dead_letter_reason::max_retries_exceeded);
  outcome.outcome = attempt_outcome::timed_out;
  return outcome;
}

} // namespace geartrain
