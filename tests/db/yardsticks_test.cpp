#include "db/yardsticks/limit_tables.hpp"
#include "db/yardsticks/yardstick_run.hpp"
#include "db/yardsticks/yardsticks.hpp"
#include "tests/support/test_database.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::test;

namespace {

yardstick_options short_run() {
  yardstick_options options;
  options.seconds = 0.2;
  return options;
}

/// A busy machine may end nothing in a short run.
expected<yardstick_result> until_something_ends(const std::string& dsn, yardstick_options options) {
  auto result = measure_reference_pattern(dsn, options);
  while (result && result->steps == 0 && options.seconds < 10) {
    options.seconds *= 3;
    result = measure_reference_pattern(dsn, options);
  }
  return result;
}

bool has_schema(const test_database& database) {
  return database.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'geartrain_yardstick'") > 0;
}

/// Each measurement counts the rows that it wrote and fails if they are not what it reports.
void check_result(const expected<yardstick_result>& result) {
  REQUIRE_MESSAGE(result, result.error().message);
  CHECK(result->steps > 0);
  CHECK(result->steps_per_second > 0);
  CHECK(result->wal_bytes_per_step > 0);
  CHECK(result->commit_latency_p50_ms > 0);
}

/// The columns of one of the limit's tables, in an order of their own.
std::vector<test_database::row> columns_of(const test_database& database, const std::string& schema,
                                           const std::string& table) {
  return database.query("SELECT column_name, data_type, is_nullable, generation_expression "
                        "FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY 1",
                        {schema, table});
}

} // namespace

TEST_SUITE("yardsticks") {
  TEST_CASE("the limit writes tasks of four steps and leaves nothing behind") {
    test_database database{test_database::content::empty};
    auto options = short_run();
    std::uint64_t asked = 0;
    options.batch = 16;
    options.server_cpu_us = [&] { return 1000 * ++asked; };
    auto result = measure_physical_limit(database.dsn(), options);
    check_result(result);
    CHECK(asked == 2);
    CHECK(result->server_cpu_us_per_step * static_cast<double>(result->steps) == doctest::Approx(1000));
    CHECK(result->connections == 2);
    CHECK(result->statements_per_step < 0.2);
    CHECK(!has_schema(database));
  }

  TEST_CASE("the reference pattern plays whole tasks with one connection and with eight") {
    test_database database{test_database::content::empty};
    auto result = until_something_ends(database.dsn(), short_run());
    check_result(result);
    CHECK(result->statements_per_step > 19);
    REQUIRE(result->trials.size() == 2);
    CHECK(result->trials[0].connections == 1);
    CHECK(result->trials[1].connections == 8);
    CHECK(!has_schema(database));
  }

  TEST_CASE("a commit takes time") {
    test_database database{test_database::content::empty};
    auto latency = measure_commit_latency_ms(database.dsn());
    REQUIRE(latency);
    CHECK(*latency > 0);
    CHECK(!has_schema(database));
  }

  TEST_CASE("the limit's rows have the columns of the engine's") {
    test_database database;
    auto schema = yardstick_schema::make(database.dsn());
    REQUIRE(schema);
    REQUIRE((*schema)->session().run_script(limit_tables_sql));
    for (auto* table : {"tasks", "task_inputs", "attempts"}) {
      CAPTURE(table);
      auto ours = columns_of(database, "geartrain", table);
      CHECK(!ours.empty());
      CHECK(columns_of(database, "geartrain_yardstick", table) == ours);
    }
  }

  TEST_CASE("runs may follow each other at once") {
    test_database database{test_database::content::empty};
    for (int i = 0; i < 30; ++i)
      REQUIRE(yardstick_schema::make(database.dsn()));
  }

  TEST_CASE("one run at a time, and what a killed one left is replaced") {
    test_database database{test_database::content::empty};
    database.query("CREATE SCHEMA geartrain_yardstick");
    database.query("CREATE TABLE geartrain_yardstick.commits (id integer)");
    {
      auto running = yardstick_schema::make(database.dsn());
      REQUIRE(running);
      auto second = measure_commit_latency_ms(database.dsn());
      REQUIRE(!second);
      CHECK(second.error().code == errc::conflict);
    }
    CHECK(measure_commit_latency_ms(database.dsn()));
    CHECK(!has_schema(database));
  }

  TEST_CASE("options out of range and a server that is not there are errors") {
    test_database database{test_database::content::empty};
    auto options = short_run();
    options.batch = 0;
    CHECK(measure_physical_limit(database.dsn(), options).error().code == errc::invalid);
    CHECK(measure_reference_pattern(database.dsn(), options).error().code == errc::invalid);
    CHECK(measure_physical_limit("host=/nowhere", short_run()).error().code == errc::unavailable);
  }

} // TEST_SUITE
