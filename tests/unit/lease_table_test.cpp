#include "actors/lease_table.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace geartrain;

namespace {

const timestamp start{std::chrono::hours{1}};

/// The first step of a task, leased `after` the start for ten seconds.
leased_step leased(std::uint16_t attempt, std::uint64_t nonce, milliseconds after) {
  auto step = std::make_shared<ready_step>();
  step->definition = template_snapshot{samples::linear(1)};
  step->attempt = attempt;
  lease held;
  held.token = {step_id{}, attempt, 0, 1, nonce, start + after + std::chrono::seconds{10}};
  held.claimed_at = start + after;
  held.expires_at = held.token.expires_at;
  return {std::move(step), std::move(held)};
}

} // namespace

TEST_CASE("a later lease of a step takes the place of an earlier one that nobody ended here") {
  lease_table table;
  table.add(leased(1, 11, milliseconds{0}), false);
  SUBCASE("before that was recorded") {
    table.add(leased(2, 22, milliseconds{5000}), false);
    auto changes = table.changes(timestamp::max());
    CHECK(changes.released.empty());
    REQUIRE(changes.held.size() == 1);
    CHECK(changes.held[0].token.nonce == 22);
  }
  SUBCASE("after: its claim goes") {
    table.changes(timestamp::max());
    table.add(leased(2, 22, milliseconds{5000}), false);
    auto changes = table.changes(timestamp::max());
    REQUIRE(changes.released.size() == 1);
    CHECK(changes.released[0].nonce == 11);
  }
  SUBCASE("after, and of the same attempt: its claim is overwritten, not released too") {
    table.changes(timestamp::max());
    table.add(leased(1, 22, milliseconds{5000}), false);
    auto changes = table.changes(timestamp::max());
    CHECK(changes.released.empty());
    CHECK(changes.held.size() == 1);
  }
  CHECK(table.size() == 1);
  CHECK(table.take_expired(start + std::chrono::seconds{12}).empty());
  CHECK(table.take_expired(start + std::chrono::seconds{15}).size() == 1);
  CHECK(table.take_expired(timestamp::max()).empty());
}

TEST_CASE("nothing is left of a replaced lease once its successor has ended") {
  lease_table table;
  table.add(leased(1, 11, milliseconds{0}), false);
  table.add(leased(2, 22, milliseconds{5000}), false);
  CHECK(table.remove(step_id{}, 22));
  CHECK(table.changes(timestamp::max()).held.empty());
  CHECK(table.take_expired(timestamp::max()).empty());
}
