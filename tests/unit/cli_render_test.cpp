#include "runtime/cli/step_tree.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/time_text.hpp"

#include <doctest/doctest.h>

namespace geartrain {
namespace {

tree_step step(std::string name, std::string state, std::vector<std::string> dependencies = {}) {
  return {std::move(name), std::move(state), std::move(dependencies), 1, 3, {}};
}

} // namespace

TEST_CASE("step tree: a sequence stays in one column") {
  CHECK("\n" + render_step_tree(
                 {step("one", "complete"), step("two", "in_progress", {"one"}), step("three", "pending", {"two"})},
                 style{}) ==
        R"(
✔ one    complete
● two    in_progress
○ three  pending
)");
}

TEST_CASE("step tree: parallel ways branch, a join follows them in the column where they parted") {
  std::vector<tree_step> diamond{step("start", "complete"),
                                 step("left", "complete", {"start"}),
                                 step("right", "waiting_for_retry", {"start"}),
                                 step("left_2", "complete", {"left"}),
                                 step("join", "pending", {"right", "left_2"}),
                                 step("end", "pending", {"join"})};
  diamond[2].attempts = 2;
  diamond[2].note = "in 3 s";
  CHECK("\n" + render_step_tree(diamond, style{}) == R"(
✔ start      complete
├─ ✔ left    complete
│  ✔ left_2  complete
└─ ↻ right   waiting_for_retry  attempt 2 of 3  in 3 s
○ join       pending  (after right, left_2)
○ end        pending
)");
}

TEST_CASE("step tree: joins inside of branches, over several starts and over a short cut") {
  CHECK("\n" + render_step_tree({step("a", "complete"), step("b", "complete", {"a"}), step("c", "complete", {"a"}),
                                 step("d", "complete", {"b"}), step("e", "complete", {"b"}),
                                 step("f", "complete", {"d", "e"}), step("g", "complete", {"f", "c"})},
                                style{}) ==
        R"(
✔ a        complete
├─ ✔ b     complete
│  ├─ ✔ d  complete
│  └─ ✔ e  complete
│  ✔ f     complete  (after d, e)
└─ ✔ c     complete
✔ g        complete  (after f, c)
)");
  CHECK("\n" + render_step_tree({step("a", "complete"), step("b", "complete"), step("c", "complete", {"a", "b"})},
                                style{}) ==
        R"(
├─ ✔ a  complete
└─ ✔ b  complete
✔ c     complete  (after a, b)
)");
  CHECK("\n" + render_step_tree(
                 {step("a", "complete"), step("b", "complete", {"a"}), step("c", "complete", {"a", "b"})}, style{}) ==
        R"(
✔ a     complete
└─ ✔ b  complete
✔ c     complete  (after a, b)
)");
}

TEST_CASE("step tree: several starts are branches of nothing") {
  CHECK("\n" + render_step_tree({step("a", "error"), step("b", "complete")}, style{}) == R"(
├─ ✘ a  error
└─ ✔ b  complete
)");
}

TEST_CASE("step tree: no steps, unknown dependencies and a cycle do no harm") {
  CHECK(render_step_tree({}, style{}).empty());
  CHECK(render_step_tree({step("a", "pending", {"gone"})}, style{}) == "○ a  pending\n");
  auto cycle = render_step_tree({step("a", "pending", {"b"}), step("b", "pending", {"a"})}, style{});
  CHECK(cycle.find("a  pending") != std::string::npos);
  CHECK(cycle.find("b  pending") != std::string::npos);
}

TEST_CASE("table: columns line up by what a reader sees, lines do not end in blanks") {
  table rows{{"NAME", "STATE", "NOTE"}};
  rows.add({{"größe"}, {"complete"}, {""}});
  rows.add({{"x"}, {"error"}, {"no way"}});
  CHECK("\n" + rows.render(style{}) == R"(
NAME   STATE     NOTE
größe  complete
x      error     no way
)");
}

TEST_CASE("table: colour does not move columns") {
  table rows{{"S", "N"}};
  rows.add({{"error", colour::red}, {"1"}});
  CHECK(rows.render(style{true}) == "\x1b[1mS\x1b[0m      \x1b[1mN\x1b[0m\n\x1b[31merror\x1b[0m  1\n");
}

TEST_CASE("table: text of unknown origin can't steer the terminal") {
  CHECK(one_line("a\nb\x1b[31m") == "a b [31m");
}

TEST_CASE("time text: reads UTC with any fraction and shows lengths for people") {
  auto whole = parse_utc("2026-01-31T12:34:56Z");
  auto fraction = parse_utc("2026-01-31T12:34:56.25Z");
  REQUIRE(whole);
  REQUIRE(fraction);
  CHECK(*fraction - *whole == std::chrono::microseconds{250000});
  for (auto wrong : {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T12:34:56", "2026-01-31T12:34:56+01:00"})
    CHECK_FALSE(parse_utc(wrong));
  CHECK(short_time("2026-01-31T12:34:56.250000Z") == "2026-01-31 12:34:56");
  CHECK(short_time("soon") == "soon");
  CHECK(show_duration(milliseconds{7}) == "7 ms");
  CHECK(show_duration(milliseconds{1250}) == "1.25 s");
  CHECK(show_duration(milliseconds{185000}) == "3 m 05 s");
  CHECK(show_duration(milliseconds{7800000}) == "2 h 10 m");
}

} // namespace geartrain
