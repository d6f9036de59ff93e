// What the commit pipeline costs the node, the wait for the database left out: batches of so many turns are queued, made
// up, encoded, and their answers read. Results of 64 bytes.

#include "bench/samples.hpp"
#include "db/batcher.hpp"
#include "db/operations.hpp"

#include <benchmark/benchmark.h>
#include <libpq-fe.h>

#include <array>
#include <utility>
#include <vector>

using namespace geartrain;
using namespace geartrain::bench;

namespace {

constexpr std::size_t result_bytes = 64;

std::vector<commit_turn_unit> turns(std::int64_t count) {
  std::vector<commit_turn_unit> all;
  for (std::uint32_t n = 1; n <= static_cast<std::uint32_t>(count); ++n)
    all.push_back({record_of(task_number(n), 1, result_bytes)});
  return all;
}

std::vector<create_task_unit> creations(std::int64_t count) {
  std::vector<create_task_unit> all;
  for (std::uint32_t n = 1; n <= static_cast<std::uint32_t>(count); ++n) {
    create_task_unit unit;
    unit.id = task_number(n);
    unit.template_id = 1;
    unit.steps_total = 4;
    unit.input = input_of(200);
    unit.now = noon();
    all.push_back(std::move(unit));
  }
  return all;
}

template <class Unit>
std::vector<const Unit*> pointers_to(const std::vector<Unit>& units) {
  std::vector<const Unit*> all;
  for (auto& one : units)
    all.push_back(&one);
  return all;
}

/// What the server answers if every turn is committed.
std::vector<row_set> answer_of(const std::vector<commit_turn_unit>& units) {
  auto* raw = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
  std::array<char, 8> name{"task_id"};
  PGresAttDesc column{name.data(), 0, 0, 1, static_cast<Oid>(pg_type::uuid), 16, -1};
  PQsetResultAttrs(raw, 1, &column);
  int row = 0;
  for (auto& unit : units) {
    auto bytes = unit.record.task.bytes;
    PQsetvalue(raw, row++, 0, reinterpret_cast<char*>(bytes.data()), static_cast<int>(bytes.size()));
  }
  std::vector<row_set> rows;
  rows.emplace_back(raw);
  return rows;
}

void encode_turns(benchmark::State& state) {
  auto units = turns(state.range(0));
  auto batch = pointers_to(units);
  for (auto _ : state)
    benchmark::DoNotOptimize(db_op::commit_turns::encode(batch));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_turns)->Arg(1)->Arg(16)->Arg(64)->Arg(256);

void decode_turns(benchmark::State& state) {
  auto units = turns(state.range(0));
  auto batch = pointers_to(units);
  auto rows = answer_of(units);
  for (auto _ : state)
    benchmark::DoNotOptimize(db_op::commit_turns::decode(batch, rows));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_turns)->Arg(1)->Arg(16)->Arg(64)->Arg(256);

void encode_creations(benchmark::State& state) {
  auto units = creations(state.range(0));
  auto batch = pointers_to(units);
  for (auto _ : state)
    benchmark::DoNotOptimize(db_op::create_tasks::encode(batch));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode_creations)->Arg(1)->Arg(16)->Arg(64)->Arg(256);

/// The whole way through the queues: push, take, encode, complete, answer. The answer of the server is made in the pause.
void queued_turns(benchmark::State& state) {
  auto units = turns(state.range(0));
  db_metrics metrics;
  batcher queues{{{}, 8192, 256U << 20, std::chrono::seconds{10}}, metrics};
  std::int64_t committed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto given = units;
    auto rows = answer_of(units);
    state.ResumeTiming();
    auto now = db_clock::now();
    for (auto& unit : given)
      queues.push<db_op::commit_turns>(
        std::move(unit), [&](const expected<commit_turn_reply>& reply) { committed += reply && reply->committed; },
        now);
    for (auto* line : queues.lines())
      while (auto batch = line->take(now, false)) {
        benchmark::DoNotOptimize(batch->encode());
        batch->complete(std::exchange(rows, {}));
      }
  }
  if (committed != state.iterations() * state.range(0))
    state.SkipWithError("not every turn was answered");
  state.SetItemsProcessed(committed);
}
BENCHMARK(queued_turns)->Arg(1)->Arg(16)->Arg(64)->Arg(256);

} // namespace
