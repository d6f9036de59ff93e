#include "tests/db/pool_fixture.hpp"

#include <map>

using namespace geartrain;
using namespace geartrain::test;

namespace {

/// How often each statement was executed in the database of the test, by the server's own count.
std::map<std::string, long long> server_counts(const test_database& database) {
  std::map<std::string, long long> counts;
  for (auto& row : database.query("SELECT query, calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                                  "WHERE d.datname = current_database()"))
    counts[row[0]] += std::stoll(row[1]);
  return counts;
}

long long calls_with(const std::map<std::string, long long>& counts, const std::string& text) {
  long long sum = 0;
  for (auto& [query, calls] : counts)
    if (query.find(text) != std::string::npos)
      sum += calls;
  return sum;
}

} // namespace

TEST_SUITE("round trips") {
  TEST_CASE("each operation costs exactly its budget, by our count and by the server's") {
    pool_fixture f{one_connection()};
    if (test_database::counts_statements())
      f.database().query("CREATE EXTENSION pg_stat_statements");
    auto id = new_task_id();
    auto cost = [&](auto&& action) {
      auto before = f.metrics->round_trips();
      action();
      return f.metrics->round_trips() - before;
    };
    CHECK(cost([&] { CHECK(f.ask<create_task_reply>(creation(id, identity_of(1)))->created); }) == 1);
    auto wide = creation(new_task_id(), identity_of(2));
    wide.steps_total = 100;
    CHECK(cost([&] { CHECK(f.ask<create_task_reply>(wide)->created); }) == 1);
    CHECK(cost([&] { CHECK_FALSE(f.ask<create_task_reply>(creation(new_task_id(), identity_of(1)))->created); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<commit_turn_reply>(turn_of(id, 0, {success(1)}))->committed); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<commit_turn_reply>(turn_of(id, 1, {success(2), success(3)}))->committed); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<task_rows_ptr>(load_task_unit{id})); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<unit_done>(sync_claims_unit{})); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<unit_done>(record_refused_unit{})); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<put_template_reply>(some_template())); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<fetch_templates_reply>(fetch_templates_unit{})); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<open_tasks_reply>(open_tasks_unit{{1}, {}, 5})); }) == 1);
    CHECK(cost([&] { CHECK(f.ask<list_tasks_reply>(list_tasks_unit{})); }) == 2);
    CHECK(cost([&] { CHECK(f.ask<unit_done>(ping_unit{})); }) == 1);
    std::uint64_t statements = 0;
    for (auto& operation : f.metrics->figures().operations)
      statements += operation.statements;
    CHECK(statements == 26);
    if (!test_database::counts_statements())
      return;
    auto counts = server_counts(f.database());
    CHECK(calls_with(counts, "WITH given AS") == 3);
    CHECK(calls_with(counts, "named AS") == 3);
    CHECK(calls_with(counts, "moved AS") == 2);
    CHECK(calls_with(counts, "FROM geartrain.tasks t JOIN geartrain.task_inputs") == 2);
    CHECK(calls_with(counts, "FROM geartrain.attempts WHERE") == 2);
    CHECK(calls_with(counts, "FROM geartrain.claims WHERE") == 2);
    long long all = 0;
    for (auto& [query, calls] : counts)
      if (query.find("pg_stat_statements") == std::string::npos && query.find("SET ") != 0)
        all += calls;
    // The server counts a prepared SET at its first execution only; there were two.
    CHECK(all + 2 == static_cast<long long>(statements) + 1); // and the advice to the planner, once for the connection
  }

  TEST_CASE("an idle pool sends nothing") {
    pool_fixture f;
    if (!test_database::counts_statements())
      return;
    REQUIRE(f.ask<unit_done>(ping_unit{}));
    f.database().query("CREATE EXTENSION pg_stat_statements");
    auto before = server_counts(f.database());
    pool_fixture other; // time passes until another pool has done something
    REQUIRE(other.ask<unit_done>(ping_unit{}));
    auto after = server_counts(f.database());
    CHECK(calls_with(after, "SELECT $1") == calls_with(before, "SELECT $1"));
    CHECK(f.metrics->round_trips() == 1);
  }

} // TEST_SUITE
