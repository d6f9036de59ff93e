#include "workflow/template_parser.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace geartrain;

namespace {

/// A template whose step i depends on `parents(i)`, as JSON.
template <class Parents>
std::string make(std::size_t steps, Parents parents) {
  std::string text = R"({"name":"g","namespace_name":"n","version":"1.0.0","steps":[)";
  for (std::size_t i = 0; i < steps; ++i) {
    text += (i ? "," : "") + std::string(R"({"name":"s)") + std::to_string(i) +
            R"(","handler":{"callable":"c"},"dependencies":[)";
    bool first = true;
    for (auto parent : parents(i)) {
      text += (first ? "\"s" : ",\"s") + std::to_string(parent) + "\"";
      first = false;
    }
    text += "]}";
  }
  return text + "]}";
}

std::vector<std::size_t> previous(std::size_t i) {
  return i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{i - 1};
}

std::string first_problem(const std::string& text) {
  auto result = parse_template(text, template_format::json);
  const auto* found = std::get_if<problems>(&result);
  return found ? found->front().path + ": " + found->front().message : "ok";
}

} // namespace

TEST_CASE("a chain of 10,000 steps, forwards and backwards") {
  constexpr std::size_t count = 10'000;
  auto forwards = parse_template(make(count, previous), template_format::json);
  REQUIRE(std::holds_alternative<task_template>(forwards));
  const auto& steps = std::get<task_template>(forwards).steps;
  CHECK(steps[0].ancestors.empty());
  CHECK(steps[9'999].ancestors.size() == 9'999);
  CHECK(steps[5'000].ancestors.back() == 4'999);
  CHECK(std::is_sorted(steps[7'777].ancestors.begin(), steps[7'777].ancestors.end()));

  auto backwards = parse_template(
    make(count,
         [](std::size_t i) { return i + 1 < count ? std::vector<std::size_t>{i + 1} : std::vector<std::size_t>{}; }),
    template_format::json);
  REQUIRE(std::holds_alternative<task_template>(backwards));
  CHECK(std::get<task_template>(backwards).steps[0].ancestors.size() == 9'999);
}

TEST_CASE("a circle of 10,000 steps is named without its middle") {
  constexpr std::size_t count = 10'000;
  auto message = first_problem(make(count, [](std::size_t i) { return std::vector{(i + 1) % count}; }));
  CHECK(message.starts_with("steps[0].dependencies[0]: these steps depend on each other in a circle"));
  CHECK(message.find("s0 -> s1 -> s2") != std::string::npos);
  CHECK(message.find("(9980 more) -> s9999 -> s0; remove") != std::string::npos);
  CHECK(message.size() < 400);
}

TEST_CASE("the greatest number of steps, and one more") {
  auto none = [](std::size_t) { return std::vector<std::size_t>{}; };
  auto wide = parse_template(make(65'535, none), template_format::json);
  REQUIRE(std::holds_alternative<task_template>(wide));
  CHECK(std::get<task_template>(wide).steps.size() == 65'535);
  CHECK(first_problem(make(65'536, none)) == "steps: has 65536 steps; a template may have 65535, split it");
  auto fan_in = parse_template(make(65'535,
                                    [](std::size_t i) {
                                      std::vector<std::size_t> all;
                                      for (std::size_t k = 0; i == 0 && k < 65'534; ++k)
                                        all.push_back(k + 1);
                                      return all;
                                    }),
                               template_format::json);
  REQUIRE(std::holds_alternative<task_template>(fan_in));
  CHECK(std::get<task_template>(fan_in).steps[0].ancestors.size() == 65'534);
}

TEST_CASE("chains whose lists of ancestors would fill the memory are refused") {
  CHECK(
    first_problem(make(20'000, previous)).starts_with("steps: all steps together have more than 64000000 ancestors"));
}

TEST_CASE("ancestors agree with a plain search, for random graphs") {
  std::uint32_t seed = 12345;
  auto random = [&](std::size_t bound) {
    seed = seed * 1664525 + 1013904223;
    return static_cast<std::size_t>(seed >> 8) % bound;
  };
  for (std::size_t count : {1u, 7u, 64u, 1030u}) {
    std::vector<std::set<std::size_t>> parents(count);
    for (std::size_t i = 1; i < count; ++i)
      for (std::size_t k = 0; k < 3; ++k)
        if (auto parent = random(i); random(2) == 0)
          parents[i].insert(parent);
    // Reverse the numbering half of the time, so that parents also come later in the document.
    auto number = [&](std::size_t i) { return count % 2 == 0 ? i : count - 1 - i; };
    auto result = parse_template(make(count,
                                      [&](std::size_t i) {
                                        std::vector<std::size_t> out;
                                        for (auto parent : parents[number(i)])
                                          out.push_back(number(parent));
                                        return out;
                                      }),
                                 template_format::json);
    REQUIRE(std::holds_alternative<task_template>(result));
    const auto& steps = std::get<task_template>(result).steps;
    std::vector<std::set<std::uint16_t>> expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      for (auto parent : parents[i]) {
        auto index = static_cast<std::uint16_t>(number(parent));
        expected[i].insert(index);
        expected[i].insert(expected[parent].begin(), expected[parent].end());
      }
      const auto& actual = steps[number(i)].ancestors;
      CHECK(std::vector<std::uint16_t>(expected[i].begin(), expected[i].end()) == actual);
    }
  }
}

TEST_CASE("separate circles are reported together, steps below a circle are not") {
  auto result = parse_template(R"({"name":"g","namespace_name":"n","version":"1.0.0","steps":[
    {"name":"below","handler":{"callable":"c"},"dependencies":["a"]},
    {"name":"a","handler":{"callable":"c"},"dependencies":["b","free"]},
    {"name":"b","handler":{"callable":"c"},"dependencies":["free","a"]},
    {"name":"free","handler":{"callable":"c"}},
    {"name":"x","handler":{"callable":"c"},"dependencies":["y"]},
    {"name":"y","handler":{"callable":"c"},"dependencies":["z"]},
    {"name":"z","handler":{"callable":"c"},"dependencies":["x"]}]})",
                               template_format::json);
  const auto& found = std::get<problems>(result);
  REQUIRE(found.size() == 2);
  CHECK(found[0].path == "steps[1].dependencies[0]");
  CHECK(found[0].message.find("a -> b -> a;") != std::string::npos);
  CHECK(found[1].path == "steps[4].dependencies[0]");
  CHECK(found[1].message.find("x -> y -> z -> x;") != std::string::npos);
}
