// What the bodies of a worker's exchange cost: the results are read and checked strictly, the steps are written.

#include "bench/samples.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/report_item.hpp"
#include "runtime/api/step_json.hpp"
#include "runtime/api/worker_limits.hpp"
#include "workflow/lease_token.hpp"
#include "workflow/strict_json.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

using namespace geartrain;
using namespace geartrain::bench;

namespace {

const token_mint& mint() {
  static const token_mint the_mint{"a secret of thirty-two characters"};
  return the_mint;
}

lease_token token_of(std::uint32_t n) {
  return {make_step_id(task_number(n), 1), 1, 0, 7, std::uint64_t{n} << 32, noon()};
}

/// The body of POST /v1/workers/results.
std::string results_body(std::int64_t count, std::size_t result_bytes) {
  json_writer out;
  out.begin_object().field("worker_id", "worker-1").key("results").begin_array();
  for (std::uint32_t n = 1; n <= static_cast<std::uint32_t>(count); ++n) {
    out.begin_object().field("step_uuid", token_of(n).step).field("lease_token", mint().encode(token_of(n)));
    out.field("success", true).raw_field("result", object_of(result_bytes));
    out.raw_field("metadata", R"({"execution_time_ms":3})").end_object();
  }
  return out.end_array().end_object().take();
}

void set_sizes(benchmark::internal::Benchmark* all) {
  for (std::int64_t count : {1, 16, 256})
    for (std::int64_t bytes : {64, 4096})
      all->Args({count, bytes});
}

/// From the text of a body to its reports: so many results of so many bytes.
void read_results(benchmark::State& state) {
  auto text = results_body(state.range(0), static_cast<std::size_t>(state.range(1)));
  report_reading context{mint(), "worker-1", milliseconds{3'600'000}, noon()};
  for (auto _ : state) {
    auto parsed = parse_body(text, max_worker_body_depth);
    problems found;
    object_reader body{std::get<json_view>(parsed), "", found};
    const auto items = body.array("results", max_items);
    for (auto& item : *items) {
      auto read = read_report(item, context);
      if (!read.report)
        state.SkipWithError(read.invalid.c_str());
      benchmark::DoNotOptimize(read);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(read_results)->Apply(set_sizes);

/// The strict check alone, of a text of so many bytes.
void strict_check(benchmark::State& state) {
  auto text = object_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(check_strict_json(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(strict_check)->Arg(64)->Arg(4096)->Arg(65536);

/// The answer to a poll: so many steps with a context of so many bytes.
void write_steps(benchmark::State& state) {
  auto input = input_of(static_cast<std::size_t>(state.range(1)));
  auto definition = linear_4();
  std::vector<leased_step> steps;
  for (std::uint32_t n = 1; n <= static_cast<std::uint32_t>(state.range(0)); ++n) {
    auto context = new_task(task_number(n), definition, input, noon());
    steps.push_back({make_ready_step(*context, 1, noon()), {token_of(n), "worker-1", noon(), noon()}});
  }
  for (auto _ : state) {
    json_writer out;
    out.begin_object().key("steps").begin_array();
    for (auto& step : steps)
      write_leased_step(out, step, mint());
    benchmark::DoNotOptimize(out.end_array().end_object().take());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write_steps)->Apply(set_sizes);

} // namespace
