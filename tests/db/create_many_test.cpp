#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>

#include <future>

using namespace geartrain;
using namespace geartrain::test;

namespace {

create_tasks_unit unit_of(std::vector<create_task_unit> creations) {
  return {std::make_shared<const std::vector<create_task_unit>>(std::move(creations))};
}

} // namespace

TEST_SUITE("many creations") {
  TEST_CASE("they are one round trip, each with its own outcome, and may be repeated") {
    pool_fixture f;
    auto held = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(held, identity_of(7)))->created);
    std::vector<create_task_unit> creations;
    for (int i = 0; i < 1000; ++i)
      creations.push_back(creation(new_task_id(), i % 2 == 0 ? std::optional{identity_of(i)} : std::nullopt));
    creations[4].identity_hash = identity_of(7);
    auto unit = unit_of(creations);
    for (int time = 1; time <= 2; ++time) {
      auto reply = f.ask<create_tasks_reply>(unit);
      REQUIRE(reply);
      REQUIRE(reply->outcomes.size() == 1000);
      for (std::size_t i = 0; i < 1000; ++i) {
        REQUIRE(reply->outcomes[i]);
        CHECK(reply->outcomes[i]->created == (i != 4));
      }
      CHECK(reply->outcomes[4]->existing == held);
      CHECK(f.figures(db_operation::create_many).round_trips == static_cast<std::uint64_t>(time));
      CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 1000);
    }
    CHECK(f.database().number("SELECT count(*) FROM geartrain.task_inputs") == 1000);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.identities") == 500);
    auto loaded = f.ask<task_rows_ptr>(load_task_unit{creations[999].id});
    REQUIRE(loaded);
    CHECK((*loaded)->input.context == creations[999].input->context);
  }

  TEST_CASE("those without identities may be repeated, too, together with others") {
    pool_fixture f;
    std::vector<create_task_unit> creations;
    for (int i = 0; i < 10; ++i)
      creations.push_back(creation(new_task_id()));
    REQUIRE(f.ask<create_tasks_reply>(unit_of({creations[2], creations[7]})));
    auto reply = f.ask<create_tasks_reply>(unit_of(creations));
    REQUIRE(reply);
    for (auto& outcome : reply->outcomes) {
      REQUIRE(outcome);
      CHECK(outcome->created);
    }
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 10);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.task_inputs") == 10);
  }

  TEST_CASE("whose identity is taken meanwhile is left open, and the others are created") {
    pool_fixture f{one_connection()};
    auto holder = new_task_id();
    std::unique_ptr<PGconn, decltype(&PQfinish)> other{PQconnectdb(f.database().dsn().c_str()), PQfinish};
    auto run = [&](const std::string& sql) { PQclear(PQexec(other.get(), sql.c_str())); };
    run("BEGIN");
    run("INSERT INTO geartrain.identities VALUES ('" + identity_of(1) + "', '" + to_string(holder) + "')");
    auto unit = unit_of({creation(new_task_id(), identity_of(1)), creation(new_task_id(), identity_of(2))});
    auto asked = std::async(std::launch::async, [&] { return f.ask<create_tasks_reply>(unit); });
    REQUIRE(eventually([&] {
      return f.database().number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                 "wait_event_type = 'Lock'") == 1;
    }));
    run("COMMIT");
    auto reply = asked.get();
    REQUIRE(reply);
    CHECK_FALSE(reply->outcomes[0]);
    REQUIRE(reply->outcomes[1]);
    CHECK(reply->outcomes[1]->created);
    auto alone = f.ask<create_task_reply>(unit.creations->front());
    REQUIRE(alone);
    CHECK_FALSE(alone->created);
    CHECK(alone->existing == holder);
  }

  TEST_CASE("equal identities among them are refused as a whole") {
    pool_fixture f;
    auto reply = f.ask<create_tasks_reply>(
      unit_of({creation(new_task_id(), identity_of(1)), creation(new_task_id(), identity_of(1))}));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == errc::storage);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 0);
  }

} // TEST_SUITE
