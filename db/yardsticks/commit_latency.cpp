#include "db/yardsticks/yardstick_run.hpp"

namespace geartrain {

namespace {

constexpr auto table_sql = "CREATE TABLE geartrain_yardstick.commits (id bigint PRIMARY KEY, at timestamptz NOT NULL)";

constexpr auto insert_sql = "INSERT INTO geartrain_yardstick.commits SELECT $1::int8, now()";

constexpr int commits = 300;
constexpr int uncounted = 20;
constexpr auto longest = std::chrono::seconds{1};

} // namespace

expected<double> measure_commit_latency_ms(const std::string& dsn) {
  auto schema = yardstick_schema::make(dsn);
  if (!schema)
    return schema.error();
  auto& session = (*schema)->session();
  if (auto made = session.run_script(table_sql); !made)
    return made.error();
  if (auto prepared = session.prepare("insert", insert_sql); !prepared)
    return prepared.error();
  yardstick_meter meter;
  auto begin = yardstick_meter::clock::now();
  for (std::int64_t i = 0; i < commits; ++i) {
    auto sent = yardstick_meter::clock::now();
    if (i > uncounted && sent - begin > longest)
      break;
    if (auto done = session.run_prepared("insert", parameters{}.add(i).values()); !done)
      return done.error();
    if (i >= uncounted)
      meter.waited_since(sent);
  }
  return meter.median_wait_ms();
}

} // namespace geartrain
