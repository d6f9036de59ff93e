// What the rules cost per task and per turn, payloads included: nothing here should grow with the size of a context or of
// a result, except where it is read.

#include "bench/samples.hpp"
#include "workflow/identity.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <string>

using namespace geartrain;
using namespace geartrain::bench;

namespace {

/// A whole task of four steps: its creation and four turns; results of so many bytes.
void task_of_four_steps(benchmark::State& state) {
  auto definition = linear_4();
  auto input = input_of(200);
  const json_text result{object_of(static_cast<std::size_t>(state.range(0)))};
  std::uint32_t n = 0;
  for (auto _ : state) {
    auto context = new_task(task_number(++n), definition, input, noon());
    for (std::uint16_t number = 1; number <= 4; ++number)
      benchmark::DoNotOptimize(run_turn(*context, number, result, noon()));
  }
  state.SetItemsProcessed(state.iterations() * 4);
}
BENCHMARK(task_of_four_steps)->Arg(64)->Arg(4096)->Arg(65536);

/// A new task and its first step made ready; a context of so many bytes.
void creation(benchmark::State& state) {
  auto definition = linear_4();
  auto input = input_of(static_cast<std::size_t>(state.range(0)));
  std::uint32_t n = 0;
  for (auto _ : state) {
    auto context = new_task(task_number(++n), definition, input, noon());
    for (auto number : enqueued_steps(*context))
      benchmark::DoNotOptimize(make_ready_step(*context, number, noon()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(creation)->Arg(200)->Arg(20000);

/// What a creation costs on top if equal contexts are the same task: the context is read and hashed.
void identity_by_content(benchmark::State& state) {
  auto context = object_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(identity_hash("bench", "linear", context));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(identity_by_content)->Arg(200)->Arg(20000);

constexpr auto approval = R"(
name: approval
namespace_name: bench
version: "1.0.0"
steps:
  - name: decide
    type: decision
    dependencies: [validate]
    handler: {callable: bench.decide}
  - name: validate
    handler: {callable: bench.validate}
  - name: automatic
    dependencies: [decide]
    handler: {callable: bench.approve}
  - name: manual
    dependencies: [decide]
    handler: {callable: bench.approve}
  - name: finalize
    type: deferred_convergence
    dependencies: [automatic, manual]
    handler: {callable: bench.finalize}
)";

/// The turn of a decision that takes one of two branches.
void decision(benchmark::State& state) {
  auto definition = template_of(approval);
  auto input = input_of(200);
  const json_text validated{R"({"ok":true})"};
  const json_text decided{R"({"decision_point_outcome":{"type":"create_steps","step_names":["manual"]}})"};
  std::uint32_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto context = new_task(task_number(++n), definition, input, noon());
    run_turn(*context, 2, validated, noon());
    state.ResumeTiming();
    benchmark::DoNotOptimize(run_turn(*context, 1, decided, noon()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decision);

constexpr auto import = R"(
name: import
namespace_name: bench
version: "1.0.0"
steps:
  - name: plan
    type: batchable
    handler: {callable: bench.plan, initialization: {worker_template_name: import_rows}}
  - name: import_rows
    type: batch_worker
    dependencies: [plan]
    handler: {callable: bench.import_rows}
    batch_config: {worker_template: import_rows, parallelism: 1000}
  - name: sum_up
    type: deferred_convergence
    dependencies: [import_rows]
    handler: {callable: bench.sum_up}
)";

json_text batches(std::int64_t count) {
  std::string text = R"({"batch_processing_outcome":{"type":"create_batches","cursor_configs":[)";
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0)
      text += ',';
    text.append(R"({"batch_id":"b)").append(std::to_string(10000 + i));
    text.append(R"(","start_cursor":)").append(std::to_string(i * 100));
    text.append(R"(,"end_cursor":)").append(std::to_string(i * 100 + 100)).append(R"(,"batch_size":100})");
  }
  return json_text{text + "]}}"};
}

/// The turn of a batchable step that is cut into so many workers, all of them made ready.
void batch_of_workers(benchmark::State& state) {
  auto definition = template_of(import);
  auto input = input_of(200);
  auto outcome = batches(state.range(0));
  std::uint32_t n = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto context = new_task(task_number(++n), definition, input, noon());
    state.ResumeTiming();
    benchmark::DoNotOptimize(run_turn(*context, 1, outcome, noon()));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batch_of_workers)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

} // namespace
