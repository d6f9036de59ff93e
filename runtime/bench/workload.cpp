#include "runtime/bench/workload.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace geartrain::bench {

namespace {

using json = nlohmann::json;

constexpr std::size_t usual_width = 100;
constexpr std::size_t cursors = 1000;

/// Where more steps than this can run at a time, more of them make nothing faster.
constexpr std::size_t steps_at_a_time = 2048;

json step(const std::string& name, std::vector<std::string> parents = {}, const std::string& callable = "bench.step") {
  json out{{"name", name}, {"handler", {{"callable", callable}}}};
  if (!parents.empty())
    out["dependencies"] = std::move(parents);
  return out;
}

json step_of_type(const char* type, json out) {
  out["type"] = type;
  return out;
}

/// `width`: steps beside each other where there are most.
workload make(std::string name, std::string description, std::size_t steps, std::size_t width, json graph) {
  workload out;
  out.name = std::move(name);
  out.description = std::move(description);
  out.steps = steps;
  out.window = std::max<std::size_t>(8, steps_at_a_time / width);
  out.context = R"({"n":1})";
  auto template_name = out.name;
  std::replace(template_name.begin(), template_name.end(), '-', '_');
  out.template_doc = json{
    {"namespace_name", namespace_name},
    {"name", template_name},
    {"version", "1.0.0"},
    {"identity_strategy", "always_unique"},
    {"steps",
     std::move(graph)}}.dump();
  return out;
}

json fan_out_graph(std::size_t width) {
  auto graph = json::array({step("first")});
  std::vector<std::string> middle;
  for (std::size_t i = 1; i <= width; ++i) {
    middle.push_back(fmt::format("middle_{}", i));
    graph.push_back(step(middle.back(), {"first"}));
  }
  graph.push_back(step("last", middle));
  return graph;
}

json decision() {
  return {step("first"),
          step_of_type("decision", step("decide", {"first"}, "bench.decide")),
          step("left", {"decide"}),
          step("middle", {"decide"}),
          step("right", {"decide"}),
          step_of_type("deferred_convergence", step("last", {"left", "middle", "right"}))};
}

json batch() {
  auto worker = step_of_type("batch_worker", step("work", {"plan"}));
  worker["batch_config"] = {{"worker_template", "work"}, {"batch_size", 1}, {"cursor_field", "row"}};
  return {step_of_type("batchable", step("plan", {}, "bench.plan")), std::move(worker),
          step_of_type("deferred_convergence", step("last", {"work"}))};
}

std::vector<workload> make_workloads() {
  std::vector<workload> all;
  all.push_back(make("linear-4", "four steps in a row", 4, 1,
                     {step("s1"), step("s2", {"s1"}), step("s3", {"s2"}), step("s4", {"s3"})}));
  all.push_back(make("diamond", "one step, two beside each other, a join", 4, 2,
                     {step("start"), step("b", {"start"}), step("c", {"start"}), step("end", {"b", "c"})}));
  all.push_back(make("tree", "1, 2 and 4 steps, a join of four", 8, 4,
                     {step("root"), step("l", {"root"}), step("r", {"root"}), step("d", {"l"}), step("e", {"l"}),
                      step("f", {"r"}), step("g", {"r"}), step("end", {"d", "e", "f", "g"})}));
  all.push_back(
    make("mixed-dag", "seven steps with joins of two and of three", 7, 3,
         {step("init"), step("l", {"init"}), step("r", {"init"}), step("validate", {"l", "r"}),
          step("transform", {"l"}), step("analyze", {"r"}), step("finalize", {"validate", "transform", "analyze"})}));
  all.push_back(fan_out(usual_width));
  all.push_back(make("decision", "a decision that takes two of three ways, and their join", 5, 2, decision()));
  all.push_back(make("batch-1000", "a batch of 1,000 cursors and its join", cursors + 2, cursors, batch()));
  all.push_back(make("single-step", "one step", 1, 1, json::array({step("only")})));
  return all;
}

std::string decided() {
  json names = {"left", "right"};
  return json{{"decision_point_outcome", {{"type", "create_steps"}, {"step_names", std::move(names)}}}}.dump();
}

std::string planned() {
  auto configs = json::array();
  for (std::size_t i = 0; i < cursors; ++i)
    configs.push_back(
      {{"batch_id", fmt::format("{:04}", i)}, {"start_cursor", i}, {"end_cursor", i + 1}, {"batch_size", 1}});
  return json{{"batch_processing_outcome",
               {{"type", "create_batches"},
                {"worker_template_name", "work"},
                {"worker_count", cursors},
                {"cursor_configs", std::move(configs)},
                {"total_items", cursors}}}}
    .dump();
}

} // namespace

workload fan_out(std::size_t width) {
  return make("fan-out", fmt::format("1, {} and 1 steps", width), width + 2, width, fan_out_graph(width));
}

const std::vector<workload>& workloads() {
  static const auto all = make_workloads();
  return all;
}

const std::vector<handler_answer>& handler_answers() {
  static const std::vector<handler_answer> all{
    {"bench.step", R"({"ok":true})"}, {"bench.decide", decided()}, {"bench.plan", planned()}};
  return all;
}

const workload* find_workload(std::string_view name) {
  for (const auto& each : workloads())
    if (each.name == name)
      return &each;
  return nullptr;
}

std::string creation_body(const workload& work) {
  auto definition = json::parse(work.template_doc);
  return json{{"namespace", definition["namespace_name"]},
              {"name", definition["name"]},
              {"context", json::parse(work.context)},
              {"initiator", "bench"},
              {"source_system", "bench"},
              {"reason", "bench"}}
    .dump();
}

} // namespace geartrain::bench
