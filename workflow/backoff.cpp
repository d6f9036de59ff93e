#include "workflow/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace geartrain {

namespace {

double fibonacci(std::uint32_t n) {
  double previous = 0;
  double current = 1;
  for (std::uint32_t i = 1; i < n; ++i) {
    auto next = previous + current;
    previous = current;
    current = next;
  }
  return current;
}

double factor(backoff_kind kind, std::uint32_t failure) {
  switch (kind) {
    case backoff_kind::none:
      return 0;
    case backoff_kind::linear:
      return failure;
    case backoff_kind::exponential:
      return std::exp2(failure);
    case backoff_kind::fibonacci:
      return fibonacci(failure + 1);
  }
  return 0;
}

} // namespace

milliseconds backoff_delay(const retry_policy& policy, const retry_defaults& defaults, std::uint32_t failure,
                           double random) {
  auto base = static_cast<double>(policy.backoff_base_ms.value_or(defaults.backoff_base_ms));
  auto cap = static_cast<double>(policy.max_backoff_ms.value_or(defaults.max_backoff_ms));
  auto delay = std::min(base * factor(policy.backoff, failure), cap);
  auto spread = 1.0 + defaults.jitter * (2.0 * random - 1.0);
  return milliseconds{std::llround(delay * spread)};
}

} // namespace geartrain
