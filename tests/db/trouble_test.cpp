#include "db/migrate.hpp"
#include "tests/db/pool_fixture.hpp"

#include <algorithm>
#include <future>

using namespace geartrain;
using namespace geartrain::test;

namespace {

db_config small_pool(std::size_t connections = 1) {
  db_config config;
  config.connections = connections;
  config.reconnect_max = milliseconds{200};
  return config;
}

std::future<expected<put_template_reply>> register_behind_lock(pool_fixture& f) {
  auto waiting = std::async(std::launch::async, [&f] { return f.ask<put_template_reply>(some_template()); });
  REQUIRE(eventually([&] { return f.metrics->in_flight == 1; }));
  return waiting;
}

void end_backends(const test_database& database) {
  database.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                 "WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

} // namespace

TEST_SUITE("trouble") {
  TEST_CASE("an idle connection that breaks is replaced and nobody notices") {
    pool_fixture f{small_pool(2)};
    REQUIRE(f.ask<unit_done>(ping_unit{}));
    REQUIRE(eventually([&] { return f.metrics->connections_up == 2; }));
    end_backends(f.database());
    CHECK(eventually([&] { return f.metrics->reconnects == 2; }));
    CHECK(f.ask<unit_done>(ping_unit{}));
    CHECK(f.metrics->connections_up == 2);
    CHECK(f.metrics->lost == 2);
  }

  TEST_CASE("what is in flight on a connection that breaks is unavailable, what waits is done later") {
    pool_fixture f{small_pool()};
    template_lock lock{f.database()};
    auto in_flight = register_behind_lock(f);
    auto waiting = std::async(std::launch::async, [&] { return f.ask<create_task_reply>(creation(new_task_id())); });
    REQUIRE(eventually([&] { return f.metrics->queued == 1; }));
    CHECK(eventually([&] { // its backend may not have come to the lock yet
      return f.database().number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                 "WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1;
    }));
    auto lost = in_flight.get();
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == errc::unavailable);
    CHECK(waiting.get()->created);
  }

  TEST_CASE("an immediate restart of the server under load loses nothing that was answered") {
    pool_fixture f{small_pool(2)};
    std::vector<create_task_unit> units;
    for (int i = 0; i < 3000; ++i)
      units.push_back(creation(new_task_id()));
    auto answers = f.ask_all<create_task_reply>(units, [&] {
      CHECK(eventually([&] { return f.figures(db_operation::create_tasks).round_trips > 3; }));
      auto restarted = test_database::server().restart(postgres_stop::immediate);
      REQUIRE_MESSAGE(restarted, restarted.error().message);
    });
    REQUIRE(answers.size() == units.size());
    int done = 0;
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (!answers[i]) {
        CHECK(answers[i].error().code == errc::unavailable);
        continue;
      }
      ++done;
      CHECK(f.ask<task_rows_ptr>(load_task_unit{units[i].id}));
    }
    CHECK(done > 0);
    CHECK(f.metrics->reconnects >= 1);
    auto repeated = f.ask_all<create_task_reply>(units); // the same units again: all count as created
    CHECK(std::all_of(repeated.begin(), repeated.end(), [](auto& a) { return a && a->created; }));
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 3000);
  }

  TEST_CASE("without a server a unit waits until its deadline and no longer") {
    test_database database;
    auto config = small_pool();
    config.dsn = "host=/nonexistent dbname=nothing";
    config.unit_deadline = milliseconds{300};
    pool_fixture f{database, config};
    auto begin = std::chrono::steady_clock::now();
    auto answer = f.ask<unit_done>(ping_unit{});
    auto spent = std::chrono::steady_clock::now() - begin;
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK(spent >= milliseconds{300});
    CHECK(spent < milliseconds{5000});
    CHECK(f.metrics->queued == 0);
  }

  TEST_CASE("without the schema the pool tries on until the migration has run") {
    test_database database{test_database::content::empty};
    pool_fixture f{database, small_pool()};
    auto answer = std::async(std::launch::async, [&] { return f.ask<create_task_reply>(creation(new_task_id())); });
    REQUIRE(eventually([&] { return f.metrics->queued == 1; }));
    REQUIRE(migrate(database.dsn()));
    CHECK(answer.get()->created);
  }

  TEST_CASE("a server that falls silent is given up") {
    auto config = small_pool();
    config.unit_deadline = milliseconds{2000};
    pool_fixture f{config};
    REQUIRE(f.ask<unit_done>(ping_unit{}));
    template_lock lock{f.database()};
    auto silent = f.ask<put_template_reply>(some_template());
    REQUIRE_FALSE(silent);
    CHECK(silent.error().code == errc::unavailable);
    CHECK(f.ask<unit_done>(ping_unit{}));
    CHECK(f.metrics->reconnects == 1);
  }

  TEST_CASE("a full queue refuses at once and keeps what it has") {
    auto config = small_pool();
    config.max_queue = 5;
    pool_fixture f{config};
    template_lock lock{f.database()};
    auto in_flight = register_behind_lock(f);
    std::vector<create_task_unit> units;
    for (int i = 0; i < 8; ++i)
      units.push_back(creation(new_task_id()));
    auto answers = f.ask_all<create_task_reply>(units, [&] {
      CHECK(eventually([&] { return f.metrics->rejected == 3; }));
      lock.release();
    });
    CHECK(std::count_if(answers.begin(), answers.end(), [](auto& a) { return a && a->created; }) == 5);
    CHECK(std::count_if(answers.begin(), answers.end(),
                        [](auto& a) { return !a && a.error().code == errc::overloaded; }) == 3);
    CHECK(in_flight.get());
  }

  TEST_CASE("the bytes that wait are bounded, too") {
    auto config = small_pool();
    config.max_queue_bytes = 10'000;
    pool_fixture f{config};
    auto large = creation(new_task_id());
    auto input = sample_input();
    input.context = json_text{'"' + std::string(20'000, 'x') + '"'};
    large.input = input_snapshot{input};
    auto answer = f.ask<create_task_reply>(large);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::overloaded);
    CHECK(f.ask<create_task_reply>(creation(new_task_id())));
  }

  TEST_CASE("prepared statements that went stale are prepared again, and the unit does not notice") {
    pool_fixture f{small_pool()};
    REQUIRE(f.ask<put_template_reply>(some_template()));
    REQUIRE(f.ask<fetch_templates_reply>(fetch_templates_unit{}));
    f.database().query("ALTER TABLE geartrain.templates ALTER COLUMN document TYPE varchar");
    auto answer = f.ask<fetch_templates_reply>(fetch_templates_unit{});
    REQUIRE_MESSAGE(answer, answer.error().message);
    CHECK(answer->rows.size() == 1);
    CHECK(f.metrics->reconnects == 1);
  }

  TEST_CASE("a read-only server is unavailable, and no unit is blamed for it") {
    pool_fixture f{small_pool()};
    REQUIRE(f.ask<unit_done>(ping_unit{}));
    f.database().query("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
                       "current_database()); END $$");
    end_backends(f.database());
    REQUIRE(eventually([&] { return f.metrics->reconnects == 1; }));
    auto answer = f.ask<create_task_reply>(creation(new_task_id()));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK(f.ask<unit_done>(ping_unit{}));
    CHECK(f.metrics->lost == 1);
  }

  TEST_CASE("an orderly exit writes what waits; what comes later is refused") {
    pool_fixture f{small_pool()};
    template_lock lock{f.database()};
    auto in_flight = register_behind_lock(f);
    std::vector<create_task_unit> units;
    for (int i = 0; i < 50; ++i)
      units.push_back(creation(new_task_id()));
    auto answers = f.ask_all<create_task_reply>(units, [&] {
      CHECK(eventually([&] { return f.metrics->queued == 50; }));
      caf::anon_send_exit(f.pool, caf::exit_reason::user_shutdown);
      auto late = f.ask<unit_done>(ping_unit{});
      REQUIRE_FALSE(late);
      CHECK(late.error().code == errc::stopping);
      lock.release();
    });
    CHECK(std::all_of(answers.begin(), answers.end(), [](auto& a) { return a && a->created; }));
    CHECK(in_flight.get());
    CHECK(eventually([&] { return f.metrics->connections_up == 0; }));
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 50);
  }

  TEST_CASE("kill answers everything with stopping") {
    pool_fixture f{small_pool()};
    template_lock lock{f.database()};
    auto in_flight = register_behind_lock(f);
    std::vector<create_task_unit> units;
    for (int i = 0; i < 50; ++i)
      units.push_back(creation(new_task_id()));
    auto answers = f.ask_all<create_task_reply>(units, [&] {
      CHECK(eventually([&] { return f.metrics->queued == 50; }));
      caf::anon_send_exit(f.pool, caf::exit_reason::kill);
    });
    CHECK(std::all_of(answers.begin(), answers.end(), [](auto& a) { return !a && a.error().code == errc::stopping; }));
    auto ended = in_flight.get();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == errc::stopping);
    CHECK(f.metrics->queued == 0);
    CHECK(f.metrics->in_flight == 0);
  }

} // TEST_SUITE
