#pragma once

#include "messages/template.hpp"
#include "messages/time.hpp"

namespace geartrain {

/// What applies where a template says nothing about the time between attempts.
struct retry_defaults {
  std::int64_t backoff_base_ms = 1000;
  std::int64_t max_backoff_ms = 30000;
  double jitter = 0.15;                          ///< delays vary by this share in both directions
  milliseconds max_requested_delay{3600 * 1000}; ///< bound on Retry-After and backoff_hint
};

/// The delay after the n-th failure (n from 1): base * 2^n (exponential), base * n (linear), base * fib(n + 1)
/// (fibonacci) or 0 (none), capped, then spread by the jitter. `random` is uniform in [0, 1).
milliseconds backoff_delay(const retry_policy& policy, const retry_defaults& defaults, std::uint32_t failure,
                           double random);

} // namespace geartrain
