#include "workflow/backoff.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace geartrain;

namespace {

std::vector<std::int64_t> delays(backoff_kind kind, int failures, double random = 0.5) {
  retry_policy policy;
  policy.backoff = kind;
  policy.backoff_base_ms = 100;
  policy.max_backoff_ms = 1000;
  std::vector<std::int64_t> out;
  for (int n = 1; n <= failures; ++n)
    out.push_back(backoff_delay(policy, {}, static_cast<std::uint32_t>(n), random).count());
  return out;
}

} // namespace

TEST_CASE("delays grow as their kind says, up to the cap") {
  using list = std::vector<std::int64_t>;
  CHECK(delays(backoff_kind::none, 3) == list{0, 0, 0});
  CHECK(delays(backoff_kind::linear, 4) == list{100, 200, 300, 400});
  CHECK(delays(backoff_kind::exponential, 5) == list{200, 400, 800, 1000, 1000});
  CHECK(delays(backoff_kind::fibonacci, 7) == list{100, 200, 300, 500, 800, 1000, 1000});
}

TEST_CASE("jitter spreads a delay by its share in both directions") {
  CHECK(delays(backoff_kind::exponential, 1, 0.0).front() == 170);
  CHECK(delays(backoff_kind::exponential, 1, 0.999999).front() == 230);
}

TEST_CASE("a template that is silent takes the node's times") {
  retry_defaults defaults;
  defaults.backoff_base_ms = 50;
  defaults.max_backoff_ms = 70;
  CHECK(backoff_delay({}, defaults, 1, 0.5).count() == 70);
  retry_policy linear;
  linear.backoff = backoff_kind::linear;
  CHECK(backoff_delay(linear, defaults, 1, 0.5).count() == 50);
}

TEST_CASE("a late failure of a long chain does not overflow") {
  CHECK(delays(backoff_kind::exponential, 100).back() == 1000);
  CHECK(delays(backoff_kind::fibonacci, 100).back() == 1000);
}
