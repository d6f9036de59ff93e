#include "workflow/templates/template_retry.hpp"

#include <array>

namespace geartrain {

namespace {

constexpr std::int64_t max_attempts_limit = 100;
constexpr std::int64_t max_backoff_limit_ms = 3'600'000;
constexpr std::array<std::string_view, 4> backoff_names{"none", "linear", "exponential", "fibonacci"};

} // namespace

retry_policy read_retry(const template_fields& step) {
  retry_policy policy;
  auto fields = step.mapping("retry");
  if (!fields)
    return policy;
  policy.retryable = fields->boolean("retryable").value_or(policy.retryable);
  policy.max_attempts =
    static_cast<std::uint16_t>(fields->integer("max_attempts", 0, max_attempts_limit).value_or(policy.max_attempts));
  if (auto kind = fields->choice("backoff", backoff_names))
    policy.backoff = parse_backoff_kind(backoff_names[*kind]).value_or(policy.backoff);
  policy.backoff_base_ms = fields->integer("backoff_base_ms", 1, max_backoff_limit_ms);
  policy.max_backoff_ms = fields->integer("max_backoff_ms", 1, max_backoff_limit_ms);
  return policy;
}

nlohmann::json write_retry(const retry_policy& policy) {
  nlohmann::json out{
    {"retryable", policy.retryable}, {"max_attempts", policy.max_attempts}, {"backoff", to_string(policy.backoff)}};
  if (policy.backoff_base_ms)
    out["backoff_base_ms"] = *policy.backoff_base_ms;
  if (policy.max_backoff_ms)
    out["max_backoff_ms"] = *policy.max_backoff_ms;
  return out;
}

std::optional<std::int64_t> read_timeout(const template_fields& step) {
  return step.integer("timeout_seconds", 1, INT32_MAX);
}

} // namespace geartrain
