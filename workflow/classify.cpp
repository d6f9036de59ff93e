#include "workflow/turn.hpp"

namespace geartrain {

namespace {

bool attempts_left(const step_definition& step, std::uint16_t attempt) {
  return step.retry.retryable && attempt < step.retry.max_attempts;
}

} // namespace

step_outcome classify(const step_report& report, const step_definition& step, timestamp claimed_at, timestamp now,
                      const retry_defaults& defaults, double random) {
  step_outcome outcome;
  outcome.number = number_of(report.token.step);
  outcome.attempt = report.token.attempt;
  outcome.lease_nonce = report.token.nonce;
  outcome.claimed_at = claimed_at;
  outcome.finished_at = now;
  outcome.worker = report.worker;
  outcome.execution_time_ms = report.execution_time_ms;
  outcome.metadata = report.metadata;
  if (report.success) {
    outcome.outcome = attempt_outcome::success;
    outcome.result = report.result;
    return outcome;
  }
  outcome.error = report.error;
  if (!report.retryable || !attempts_left(step, outcome.attempt)) {
    outcome.outcome = attempt_outcome::permanent_failure;
    return outcome;
  }
  outcome.outcome = attempt_outcome::retryable_failure;
  auto delay = report.requested_delay ? std::min(*report.requested_delay, defaults.max_requested_delay)
                                      : backoff_delay(step.retry, defaults, outcome.attempt, random);
  outcome.next_attempt_at = now + delay;
  return outcome;
}

step_outcome classify_expiry(const lease& expired, const step_definition& step, timestamp now) {
  step_outcome outcome;
  outcome.number = number_of(expired.token.step);
  outcome.attempt = expired.token.attempt;
  outcome.outcome = attempt_outcome::lease_expired;
  outcome.lease_nonce = expired.token.nonce;
  outcome.claimed_at = expired.claimed_at;
  outcome.finished_at = now;
  outcome.worker = expired.worker;
  outcome.error = json_text{
    R"({"message":"the lease expired before the worker reported a result","error_type":"lease_expired","retryable":true})"};
  if (attempts_left(step, outcome.attempt))
    outcome.next_attempt_at = now;
  return outcome;
}

} // namespace geartrain
