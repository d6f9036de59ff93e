#include "tests/property/random_template.hpp"
#include "tests/property/simulation.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

// Random graphs and random runs against the oracle. A failure prints a shortest example and the parameters that repeat
// it: RC_PARAMS="reproduce=..." bin/test_property. RC_PARAMS="seed=..." repeats everything.

using namespace geartrain::oracle;

namespace {

rc::Gen<std::uint16_t> any_number() {
  return rc::gen::inRange<std::uint16_t>(0, 0xffff);
}

rc::Gen<std::vector<step_numbers>> any_steps(std::size_t most) {
  auto one = rc::gen::construct<step_numbers>(any_number(), any_number(), any_number(), any_number());
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(1, most + 1), [one](std::size_t count) {
    return rc::gen::container<std::vector<step_numbers>>(count, one);
  });
}

rc::Gen<std::vector<happening>> any_run(std::size_t most) {
  auto one = rc::gen::construct<happening>(any_number(), any_number(), any_number());
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, most + 1),
                         [one](std::size_t count) { return rc::gen::container<std::vector<happening>>(count, one); });
}

/// A random task lives through a random run, checked at every point, and then comes to its end.
void live_through(weather kind) {
  const auto numbers = *any_steps(12);
  const auto turn = *rc::gen::inRange<std::size_t>(0, 12);
  const auto run = *any_run(100);
  simulation node(make_steps(numbers), turn, kind);
  for (const auto& what : run)
    node.happen(what);
  node.finish(run);
  RC_CLASSIFY(node.context().state == geartrain::task_state::complete, "complete");
  RC_CLASSIFY(node.context().batches.size() > 0, "with batches");
}

} // namespace

TEST_CASE("every run ends as it should") {
  CHECK(rc::check("success only", [] { live_through({.failures = false}); }));
  CHECK(rc::check("with failures", [] { live_through({.failures = true}); }));
}

TEST_CASE("operators, duplicates and late results break nothing") {
  CHECK(rc::check([] { live_through({.failures = true, .acts = true, .duplicates = true, .delays = true}); }));
}

TEST_CASE("the rows tell everything: a task may be restored at any point") {
  CHECK(rc::check(
    [] { live_through({.failures = true, .acts = true, .duplicates = true, .restarts = true, .delays = true}); }));
}
