#include "workflow/templates/template_parser.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace geartrain;

namespace {

/// A template whose step i depends on `parents(i)` and has the type `type(i)`, as JSON.
template <class Parents, class Type>
std::string make(std::size_t steps, Parents parents, Type type) {
  std::string text = R"({"name":"g","namespace_name":"n","version":"1.0.0","steps":[)";
  for (std::size_t i = 0; i < steps; ++i) {
    text += (i ? "," : "") + std::string(R"({"name":"s)") + std::to_string(i) + R"(","type":")" + type(i) +
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

template <class Parents>
std::string make(std::size_t steps, Parents parents) {
  return make(steps, parents, [](std::size_t) { return "standard"; });
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
  const auto& chain = std::get<task_template>(forwards);
  CHECK(chain.steps[0].ancestors.empty());
  CHECK(chain.steps[49].ancestors.size() == 49);
  CHECK(chain.steps[50].ancestors.size() == 50);
  CHECK(chain.steps[51].ancestors.size() == 50);
  CHECK(chain.steps[9'999].ancestors.front() == 9'949);
  CHECK(chain.steps[9'999].ancestors.back() == 9'998);
  REQUIRE(chain.order.size() == count);
  CHECK(std::is_sorted(chain.order.begin(), chain.order.end()));

  auto backwards = parse_template(
    make(count,
         [](std::size_t i) { return i + 1 < count ? std::vector<std::size_t>{i + 1} : std::vector<std::size_t>{}; }),
    template_format::json);
  REQUIRE(std::holds_alternative<task_template>(backwards));
  CHECK(std::get<task_template>(backwards).steps[0].ancestors.size() == 50);
  CHECK(std::get<task_template>(backwards).order.front() == 9'999);
}

TEST_CASE("a fan-out to 10,000 steps and their join") {
  constexpr std::size_t count = 10'000;
  auto result = parse_template(make(count + 2,
                                    [](std::size_t i) {
                                      std::vector<std::size_t> out;
                                      if (i > 0 && i <= count)
                                        out.push_back(0);
                                      for (std::size_t k = 1; i == count + 1 && k <= count; ++k)
                                        out.push_back(k);
                                      return out;
                                    }),
                               template_format::json);
  REQUIRE(std::holds_alternative<task_template>(result));
  const auto& steps = std::get<task_template>(result).steps;
  CHECK(steps[0].children.size() == count);
  CHECK(steps[count + 1].ancestors.size() == count + 1);
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

TEST_CASE("graphs whose lists of ancestors would fill the memory are refused") {
  // 12,000 steps, a step below all of them, and 12,000 below that one.
  auto hourglass = make(24'001, [](std::size_t i) {
    std::vector<std::size_t> out;
    for (std::size_t k = 0; i == 12'000 && k < i; ++k)
      out.push_back(k);
    if (i > 12'000)
      out.push_back(12'000);
    return out;
  });
  CHECK(first_problem(hourglass).starts_with(
    "steps: the steps have too many others above them: all together more than 64000000 on 50 levels"));
}

namespace {

struct random_numbers {
  std::uint32_t seed = 12345;
  std::size_t operator()(std::size_t bound) {
    seed = seed * 1664525 + 1013904223;
    return static_cast<std::size_t>(seed >> 8) % bound;
  }
};

/// What fill_ancestry should find, the plain way: distances to every step above, and whether there is a way down from a
/// decision without another one between.
struct plain_ancestry {
  std::vector<std::set<std::uint16_t>> ancestors;
  std::vector<std::set<std::uint16_t>> deciders;
  std::vector<std::uint16_t> decision_depth;

  /// Needs every parent before its children.
  plain_ancestry(const std::vector<std::set<std::size_t>>& parents, const std::vector<bool>& is_decision)
    : ancestors(parents.size()), deciders(parents.size()), decision_depth(parents.size()) {
    std::vector<std::map<std::size_t, std::size_t>> distances(parents.size());
    for (std::size_t i = 0; i < parents.size(); ++i) {
      auto put = [&](std::size_t above, std::size_t distance) {
        auto [known, added] = distances[i].emplace(above, distance);
        known->second = std::min(known->second, distance);
      };
      for (auto parent : parents[i]) {
        put(parent, 1);
        for (auto [above, distance] : distances[parent])
          put(above, distance + 1);
        decision_depth[i] = std::max(decision_depth[i], decision_depth[parent]);
        if (is_decision[parent])
          deciders[i].insert(static_cast<std::uint16_t>(parent));
        else
          deciders[i].insert(deciders[parent].begin(), deciders[parent].end());
      }
      for (auto [above, distance] : distances[i])
        if (distance <= max_ancestor_depth)
          ancestors[i].insert(static_cast<std::uint16_t>(above));
      decision_depth[i] = static_cast<std::uint16_t>(decision_depth[i] + is_decision[i]);
    }
  }
};

/// The set with its numbers turned around where `turned`, ascending.
std::vector<std::uint16_t> renumbered(const std::set<std::uint16_t>& from, std::size_t count, bool turned) {
  std::vector<std::uint16_t> out;
  for (auto i : from)
    out.push_back(turned ? static_cast<std::uint16_t>(count - 1 - i) : i);
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace

TEST_CASE("ancestors, deciders and order agree with a plain search, for random graphs") {
  random_numbers random;
  struct shape {
    std::size_t count;
    std::size_t reach; ///< how far up a parent may be: small ones make long chains
  };
  for (auto [count, reach] : {shape{1, 1}, {7, 7}, {64, 64}, {333, 3}, {1030, 1030}, {1031, 12}}) {
    std::vector<std::set<std::size_t>> parents(count);
    std::vector<bool> is_decision(count);
    for (std::size_t i = 1; i < count; ++i) {
      for (std::size_t k = 0; k < 3; ++k)
        if (auto parent = i - 1 - random(std::min(i, reach)); random(2) == 0)
          parents[i].insert(parent);
      is_decision[i] = !parents[i].empty() && random(6) == 0;
    }
    // Reverse the numbering some of the time, so that parents also come later in the document.
    bool turned = count % 2 == 1;
    auto number = [&, all = count](std::size_t i) { return turned ? all - 1 - i : i; };
    auto text = make(
      count,
      [&](std::size_t i) {
        std::vector<std::size_t> out;
        for (auto parent : parents[number(i)])
          out.push_back(number(parent));
        return out;
      },
      [&](std::size_t i) { return is_decision[number(i)] ? "decision" : "standard"; });
    auto result = parse_template(text, template_format::json);
    REQUIRE(std::holds_alternative<task_template>(result));
    const auto& actual = std::get<task_template>(result);
    plain_ancestry expected(parents, is_decision);
    std::vector<std::size_t> place(count);
    for (std::size_t k = 0; k < count; ++k)
      place[actual.order[k]] = k;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& step = actual.steps[number(i)];
      CHECK(step.ancestors == renumbered(expected.ancestors[i], count, turned));
      CHECK(step.deciders == renumbered(expected.deciders[i], count, turned));
      CHECK(step.decision_depth == expected.decision_depth[i]);
      for (auto parent : step.dependencies)
        CHECK(place[parent] < place[number(i)]);
    }
  }
}

TEST_CASE("a decision may ask for what is below it, up to and including the next decisions") {
  auto step = [](const std::string& name, const std::string& type, const std::string& dependencies) {
    return "  - {name: " + name + ", type: " + type + ", handler: {callable: c}, dependencies: [" + dependencies +
           "]}\n";
  };
  auto result = parse_template(
    "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n" + step("root", "standard", "") +
      step("outer", "decision", "root") + step("a", "standard", "outer") + step("inner", "decision", "a") +
      step("b", "standard", "inner") + step("c", "standard", "a, b") + step("second", "decision", "root") +
      step("join", "deferred_convergence", "c, second, root") + step("after", "standard", "join"),
    template_format::yaml);
  REQUIRE(std::holds_alternative<task_template>(result));
  using numbers = std::vector<std::uint16_t>;
  const auto& steps = std::get<task_template>(result).steps;
  const std::vector<numbers> deciders{{}, {}, {1}, {1}, {3}, {1, 3}, {}, {1, 3, 6}, {1, 3, 6}};
  const std::vector<numbers> segments{{}, {2, 3, 5, 7, 8}, {}, {4, 5, 7, 8}, {}, {}, {7, 8}, {}, {}};
  const numbers depths{0, 1, 1, 2, 2, 2, 1, 2, 2};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CAPTURE(steps[i].name);
    CHECK(steps[i].deciders == deciders[i]);
    CHECK(steps[i].segment == segments[i]);
    CHECK(steps[i].decision_depth == depths[i]);
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
