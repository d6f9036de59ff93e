// What the rules of one turn cost, by the size of the task: it must not grow with it.

#include "bench/samples.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

using namespace geartrain;
using namespace geartrain::bench;

namespace {

step_definition step_named(std::string name) {
  step_definition step;
  step.handler.callable = name;
  step.name = std::move(name);
  return step;
}

/// `width` steps that wait for a first one, and a last one that waits for them all.
template_snapshot fan(std::uint16_t width) {
  task_template definition;
  definition.namespace_name = "bench";
  definition.name = "fan";
  definition.version = "1.0.0";
  auto last = static_cast<std::uint16_t>(width + 1);
  definition.steps.push_back(step_named("first"));
  definition.steps.reserve(width + 2u);
  for (std::uint16_t i = 1; i <= width; ++i) {
    auto step = step_named("middle_" + std::to_string(i));
    step.dependencies = step.ancestors = {0};
    step.children = {last};
    definition.steps.push_back(std::move(step));
    definition.steps.front().children.push_back(i);
  }
  auto join = step_named("last");
  for (std::uint16_t i = 0; i <= width; ++i)
    join.ancestors.push_back(i);
  join.dependencies.assign(join.ancestors.begin() + 1, join.ancestors.end());
  definition.steps.push_back(std::move(join));
  for (std::uint16_t i = 0; i <= last; ++i)
    definition.order.push_back(i);
  return template_snapshot{std::move(definition)};
}

/// Turns of the middle steps of a fan; its first turn, which enqueues them all, is not measured.
void middle_turn(benchmark::State& state) {
  auto width = static_cast<std::uint16_t>(state.range(0));
  auto definition = fan(width);
  const json_text result{R"({"ok":true})"};
  auto now = noon();
  std::unique_ptr<task_context> context;
  std::uint16_t number = 0;
  for (auto _ : state) {
    if (number == 0 || number > width) {
      state.PauseTiming();
      context = new_task(task_number(1), definition, input_snapshot{task_input{}}, now);
      run_turn(*context, 1, result, now);
      number = 2;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(run_turn(*context, number++, result, now));
  }
  state.SetItemsProcessed(state.iterations());
}

} // namespace

BENCHMARK(middle_turn)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);
