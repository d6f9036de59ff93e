// What the rules of one turn cost, by the size of the task: it must not grow with it.

#include "workflow/turn.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <utility>

using namespace geartrain;

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
  for (std::uint16_t i = 0; i < definition.steps.size(); ++i)
    definition.order.push_back(i);
  return template_snapshot{std::move(definition)};
}

step_report success_of(const task_id& task, std::uint16_t number) {
  step_report report;
  report.token.step = make_step_id(task, number);
  report.token.attempt = 1;
  report.worker = "bench";
  report.success = true;
  report.result = json_text{R"({"ok":true})"};
  return report;
}

/// One successful result, from its classification to what is written.
turn_record run_turn(task_context& context, std::uint16_t number, timestamp now) {
  mark_started(context, number, now);
  turn_causes causes;
  causes.outcomes.push_back(classify(success_of(context.id, number), context, now, now, {}, 0.5));
  for (auto enqueued : advance(context, causes, {}, now).enqueued)
    benchmark::DoNotOptimize(make_ready_step(context, enqueued, now));
  turn_facts appended;
  appended.outcomes = std::move(causes.outcomes);
  return close_turn(context, std::move(appended), resting_state(context), {}, now);
}

/// Turns of the middle steps of a fan; its first turn, which enqueues them all, is not measured.
void middle_turn(benchmark::State& state) {
  auto width = static_cast<std::uint16_t>(state.range(0));
  auto definition = fan(width);
  auto now = timestamp{} + std::chrono::hours{24};
  auto id = make_task_id(milliseconds{1}, 42);
  std::unique_ptr<task_context> context;
  std::uint16_t number = 0;
  for (auto _ : state) {
    if (number == 0 || number > width) {
      state.PauseTiming();
      context = new_task(id, definition, input_snapshot{task_input{}}, now);
      run_turn(*context, 1, now);
      number = 2;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(run_turn(*context, number++, now));
  }
  state.SetItemsProcessed(state.iterations());
}

} // namespace

BENCHMARK(middle_turn)->Arg(10)->Arg(100)->Arg(1000)->Arg(10000);
