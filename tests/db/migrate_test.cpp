#include "db/blocking_session.hpp"
#include "db/migrate.hpp"
#include "db/migrations.hpp"
#include "tests/support/test_database.hpp"

#include <doctest/doctest.h>

#include <future>
#include <set>

using namespace geartrain;
using namespace geartrain::test;

TEST_SUITE("migrate") {
  TEST_CASE("migrations are numbered from 1 without a gap") {
    int expected_version = 0;
    for (auto& m : migrations())
      CHECK(m.version == ++expected_version);
    CHECK(expected_version >= 2);
  }

  TEST_CASE("the first run makes the schema and the second changes nothing") {
    test_database database{test_database::content::empty};
    auto newest = migrations().back().version;
    auto first = migrate(database.dsn());
    REQUIRE(first);
    CHECK(first->from == 0);
    CHECK(first->to == newest);
    auto second = migrate(database.dsn());
    REQUIRE(second);
    CHECK(second->from == newest);
    CHECK(second->to == newest);
    CHECK(database.number("SELECT count(*) FROM geartrain.schema_version") == newest);
  }

  TEST_CASE("eight nodes that start at once migrate once") {
    test_database database{test_database::content::empty};
    std::vector<std::future<expected<migration_report>>> nodes;
    for (int i = 0; i < 8; ++i)
      nodes.push_back(std::async(std::launch::async, [&] { return migrate(database.dsn()); }));
    for (auto& node : nodes) {
      auto report = node.get();
      REQUIRE_MESSAGE(report, report.error().message);
      CHECK(report->to == migrations().back().version);
    }
    CHECK(database.number("SELECT count(*) FROM geartrain.schema_version") == migrations().back().version);
    CHECK(database.number("SELECT count(*) FROM geartrain.cluster_settings") == 1);
  }

  TEST_CASE("what an older program wrote is there afterwards, with defaults") {
    test_database database{test_database::content::empty};
    auto opened = blocking_session::open(database.dsn());
    REQUIRE(opened);
    auto& old = *opened;
    REQUIRE(
      old->run_script("CREATE SCHEMA geartrain; CREATE TABLE geartrain.schema_version (version integer PRIMARY KEY, "
                      "name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"));
    for (auto& m : migrations().first(2)) {
      REQUIRE(old->run_script(m.sql));
      database.query("INSERT INTO geartrain.schema_version VALUES ($1::int, $2)", {std::to_string(m.version), m.name});
    }
    database.query("SELECT geartrain.ensure_partitions()");
    database.query("INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, steps_total, partition, "
                   "state, priority) SELECT ('019a7afd-1e00-7e99-acac-07817521000' || s)::uuid, 1, '2025-11-13', "
                   "'2025-11-14', 1, 0, s, 0 FROM unnest('{3,8,9}'::int[]) s");
    database.query("INSERT INTO geartrain.task_inputs SELECT task_id, '{}', 'i', 's', 'r', '{a}', task_id, NULL, now() "
                   "FROM geartrain.tasks");
    database.query(
      "INSERT INTO geartrain.attempts SELECT task_id, s, 1, (s + 1) / 2, 1, 1, now(), now(), NULL, NULL, 'w' "
      "FROM geartrain.tasks, generate_series(1, 5) s"); // two in a turn
    auto report = migrate(database.dsn());
    REQUIRE_MESSAGE(report, report.error().message);
    CHECK(report->from == 2);
    CHECK(database.value("SELECT string_agg(version || '.' || seq, ' ' ORDER BY step) FROM geartrain.attempts "
                         "WHERE task_id = (SELECT min(task_id::text)::uuid FROM geartrain.tasks)") ==
          "1.0 1.1 2.0 2.1 3.0");
    CHECK(database.number("SELECT count(*) FROM geartrain.tasks WHERE NOT paused AND deadline_at IS NULL "
                          "AND ended_otherwise = (state = 9)") == 3);
    CHECK(database.number("SELECT count(*) FROM geartrain.tasks WHERE state = 3 AND state_since = updated_at") == 1);
    CHECK(database.number("SELECT count(*) FROM geartrain.task_inputs WHERE start_at IS NULL AND tags @> '{a}'") == 3);
    CHECK(database.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'geartrain.task_facts'::regclass") == 3);
  }

  TEST_CASE("a database that is ahead is left alone") {
    test_database database;
    database.query("INSERT INTO geartrain.schema_version (version, name) VALUES (9999, 'of a later program')");
    auto report = migrate(database.dsn());
    REQUIRE(report);
    CHECK(report->from == 9999);
    CHECK(report->to == 9999);
  }

  TEST_CASE("all nodes get the same secret") {
    test_database database;
    auto secret = load_token_secret(database.dsn());
    REQUIRE(secret);
    CHECK(secret->size() == 64);
    CHECK(*load_token_secret(database.dsn()) == *secret);
    test_database other{test_database::content::empty};
    REQUIRE(migrate(other.dsn()));
    CHECK(*load_token_secret(other.dsn()) != *secret);
  }

  TEST_CASE("without a schema there is no secret") {
    test_database database{test_database::content::empty};
    auto secret = load_token_secret(database.dsn());
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == errc::storage);
  }

  TEST_CASE("without a server the failure says so") {
    auto report = migrate("host=/nonexistent dbname=nothing");
    REQUIRE_FALSE(report);
    CHECK(report.error().code == errc::unavailable);
  }

} // TEST_SUITE

TEST_SUITE("partitions") {
  constexpr auto count_partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'geartrain.attempts'::regclass";

  TEST_CASE("this week and the next are there after the migration") {
    test_database database;
    CHECK(database.number(count_partitions) == 3); // and the default one
    CHECK(*ensure_partitions(database.dsn()) == 0);
  }

  TEST_CASE("concurrent calls make each partition once") {
    test_database database;
    std::vector<std::future<long long>> calls;
    for (int i = 0; i < 8; ++i)
      calls.push_back(std::async(std::launch::async, [&] {
        return database.number("SELECT geartrain.ensure_partitions('2031-03-05 12:00+00')");
      }));
    long long made = 0;
    for (auto& call : calls)
      made += call.get();
    CHECK(made == 10); // two weeks of five tables
    CHECK(database.number(count_partitions) == 5);
  }

  TEST_CASE("ids go to the partition of their week, the borders included") {
    test_database database;
    database.query("SELECT geartrain.ensure_partitions('2031-03-05 12:00+00')"); // the weeks of 3 and 10 March
    auto partition_of_time = [&](const std::string& time) {
      return database.value("WITH i AS (INSERT INTO geartrain.refused_reports SELECT "
                            "(lpad(to_hex((extract(epoch from $1::timestamptz) * 1000)::bigint), 12, '0') || "
                            "'70008000000000000000')::uuid, 1, 1, 1, 1, now(), true, 'w' RETURNING tableoid) "
                            "SELECT c.relname FROM i JOIN pg_class c ON c.oid = i.tableoid",
                            {time});
    };
    CHECK(partition_of_time("2031-03-02 23:59:59.999+00") == "refused_reports_default");
    CHECK(partition_of_time("2031-03-03 00:00:00+00") == "refused_reports_20310303");
    CHECK(partition_of_time("2031-03-09 23:59:59.999+00") == "refused_reports_20310303");
    CHECK(partition_of_time("2031-03-10 00:00:00+00") == "refused_reports_20310310");
    CHECK(partition_of_time("2031-03-17 00:00:00+00") == "refused_reports_default");
  }

  TEST_CASE("a week whose rows are in the default partition stays there and harms nothing") {
    test_database database;
    auto insert =
      "INSERT INTO geartrain.refused_reports SELECT geartrain.first_id_of('2032-01-05'), 1, 1, 1, 1, now(), true, 'w'";
    database.query(insert);
    CHECK(database.number("SELECT geartrain.ensure_partitions('2032-01-06 00:00+00')") == 9);
    CHECK(database.number("SELECT geartrain.ensure_partitions('2032-01-06 00:00+00')") == 0);
    database.query(insert);
    CHECK(database.number("SELECT count(*) FROM geartrain.refused_reports_default") == 2);
  }

} // TEST_SUITE
