// The database actor on a real PostgreSQL of its own: waves of so many turns, each wave sent at once and waited for. A
// wave of 1 is the latency of a commit as an actor sees it.

#include "bench/samples.hpp"
#include "db/db_pool.hpp"
#include "db/migrate.hpp"
#include "runtime/embedded_postgres.hpp"

#include <benchmark/benchmark.h>
#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

using namespace geartrain;
using namespace geartrain::bench;

namespace {

template <class T>
T must(expected<T> value) {
  if (value)
    return std::move(*value);
  std::fprintf(stderr, "%s\n", value.error().message.c_str());
  std::exit(1);
}

caf::actor_system_config& prepared(caf::actor_system_config& configuration) {
  configuration.set("scheduler.policy", caf::atom("sharing"));
  configuration.set("scheduler.max-threads", std::size_t{2});
  return configuration;
}

/// A server with a migrated database and a database actor on it.
class bench_pool {
public:
  bench_pool() : server_(start()), system_(prepared(configuration_)) {
    must(migrate(server_->dsn()));
    db_config config;
    config.dsn = server_->dsn();
    pool_ = spawn_db_pool(system_, config, std::make_shared<db_metrics>());
  }

  ~bench_pool() { caf::anon_send_exit(pool_, caf::exit_reason::kill); }

  bench_pool(const bench_pool&) = delete;
  bench_pool& operator=(const bench_pool&) = delete;

  /// Sends all units, then waits for all answers; the number for which `fine` holds.
  template <class Reply, class Unit, class Fine>
  std::int64_t wave(std::vector<Unit> units, const Fine& fine) {
    caf::scoped_actor self{system_};
    using handle = decltype(self->request(pool_, caf::infinite, std::declval<Unit>()));
    std::vector<handle> pending;
    pending.reserve(units.size());
    for (auto& unit : units)
      pending.push_back(self->request(pool_, caf::infinite, std::move(unit)));
    std::int64_t good = 0;
    for (auto& one : pending)
      one.receive([&](const Reply& reply) { good += fine(reply); }, [](const caf::error&) {});
    return good;
  }

private:
  static std::unique_ptr<embedded_postgres> start() {
    auto folder = std::filesystem::temp_directory_path() / "geartrain-bench-XXXXXX";
    auto name = folder.string();
    if (!mkdtemp(name.data()))
      std::exit(1);
    embedded_postgres_config config;
    config.data_dir = name;
    config.ephemeral = true;
    return must(embedded_postgres::start(std::move(config)));
  }

  std::unique_ptr<embedded_postgres> server_;
  caf::actor_system_config configuration_;
  caf::actor_system system_;
  db_actor pool_;
};

/// Of main(): a server takes seconds to come up, and must be gone before the libraries clean up after themselves.
bench_pool* the_pool = nullptr;

std::vector<task_id> create(std::int64_t count) {
  static std::uint32_t last = 0;
  std::vector<task_id> ids;
  std::vector<create_task_unit> units;
  for (std::int64_t i = 0; i < count; ++i) {
    create_task_unit unit;
    unit.id = task_number(++last);
    unit.template_id = 1;
    unit.steps_total = 4;
    unit.input = input_of(200);
    unit.now = noon();
    ids.push_back(unit.id);
    units.push_back(std::move(unit));
  }
  the_pool->wave<create_task_reply>(std::move(units), [](auto& reply) { return reply.created; });
  return ids;
}

void committed_turns(benchmark::State& state) {
  auto ids = create(state.range(0));
  std::uint16_t number = 0;
  std::int64_t committed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ++number;
    std::vector<commit_turn_unit> units;
    for (auto& id : ids)
      units.push_back({record_of(id, number, 64)});
    state.ResumeTiming();
    committed += the_pool->wave<commit_turn_reply>(std::move(units), [](auto& reply) { return reply.committed; });
  }
  if (committed != state.iterations() * state.range(0))
    state.SkipWithError("not every turn was committed");
  state.SetItemsProcessed(committed);
}
BENCHMARK(committed_turns)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

void created_tasks(benchmark::State& state) {
  std::int64_t created = 0;
  for (auto _ : state)
    created += static_cast<std::int64_t>(create(state.range(0)).size());
  state.SetItemsProcessed(created);
}
BENCHMARK(created_tasks)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

} // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  bench_pool pool;
  the_pool = &pool;
  benchmark::RunSpecifiedBenchmarks();
}
