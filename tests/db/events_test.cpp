#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>

#include <algorithm>

using namespace geartrain;
using namespace geartrain::test;

namespace {

/// A session whose transaction stays open.
class open_transaction {
public:
  explicit open_transaction(const test_database& database) : raw_(PQconnectdb(database.dsn().c_str()), PQfinish) {
    run("BEGIN");
  }

  void run(const char* sql) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexec(raw_.get(), sql), PQclear};
    auto status = PQresultStatus(result.get());
    REQUIRE_MESSAGE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK), sql,
                    std::string{PQerrorMessage(raw_.get())});
  }

private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> raw_;
};

constexpr auto add_event = "INSERT INTO geartrain.domain_events (task_id, namespace, step, name, delivery, at) "
                           "VALUES (gen_random_uuid(), 'shop', 1, 'paid', 1, now())";

std::vector<std::int64_t> positions(pool_fixture& f, std::int64_t after = 0,
                                    std::optional<std::string> of_namespace = {}, std::uint32_t limit = 100) {
  auto reply = f.ask<read_events_reply>(read_events_unit{std::move(of_namespace), after, limit});
  REQUIRE(reply);
  std::vector<std::int64_t> found;
  for (auto& one : reply->events)
    found.push_back(one.position);
  return found;
}

using list = std::vector<std::int64_t>;

} // namespace

TEST_SUITE("events") {
  TEST_CASE("events come in order, in pages, by namespace") {
    pool_fixture f;
    CHECK(positions(f).empty());
    for (int i = 0; i < 4; ++i)
      f.database().query(add_event);
    f.database().query("UPDATE geartrain.domain_events SET namespace = 'bank' WHERE position = 2");
    CHECK(positions(f) == list{1, 2, 3, 4});
    CHECK(positions(f, 2) == list{3, 4});
    CHECK(positions(f, 0, {}, 2) == list{1, 2});
    CHECK(positions(f, 0, "shop") == list{1, 3, 4});
    CHECK(positions(f, 1, "bank") == list{2});
    CHECK(positions(f, 4).empty());
  }

  TEST_CASE("nothing is given out that an open transaction might still precede") {
    pool_fixture f;
    f.database().query(add_event); // 1
    open_transaction younger{f.database()};
    open_transaction older{f.database()};
    younger.run("SELECT pg_current_xact_id()");
    older.run(add_event);          // 2, in a transaction with a greater id than that of 4
    f.database().query(add_event); // 3
    younger.run(add_event);        // 4
    younger.run("COMMIT");
    CHECK(positions(f) == list{1});
    older.run("COMMIT");
    CHECK(positions(f) == list{1, 2, 3, 4});
    open_transaction lost{f.database()};
    lost.run(add_event); // 5
    f.database().query(add_event);
    CHECK(positions(f, 4).empty());
    lost.run("ROLLBACK");
    CHECK(positions(f, 4) == list{6});
  }

  TEST_CASE("a transaction that has nothing to do with events holds nothing up") {
    pool_fixture f;
    open_transaction other{f.database()};
    other.run("SELECT pg_current_xact_id()");
    f.database().query(add_event);
    CHECK(positions(f) == list{1});
  }

  TEST_CASE("a reader that follows writers from all sides misses none") {
    pool_fixture f{db_config{.dsn = {}, .connections = 4}};
    auto shop = f.ask<put_template_reply>(some_template())->id;
    constexpr int tasks = 60;
    std::vector<commit_turn_unit> turns;
    for (int i = 0; i < tasks; ++i) {
      auto id = new_task_id();
      REQUIRE(f.ask<create_task_reply>(creation(id, {}, shop)));
      turns.push_back(turn_of(id, 0, {}));
      for (int k = 0; k < 5; ++k)
        turns.back().record.appended.events.push_back({1, "e", delivery_mode::durable, at_second(1), {}});
    }
    pool_fixture reader{f.database(), one_connection()};
    list seen;
    auto follow = [&] {
      auto more = positions(reader, seen.empty() ? 0 : seen.back());
      seen.insert(seen.end(), more.begin(), more.end());
      return more.size();
    };
    f.ask_all<commit_turn_reply>(turns, [&] {
      for (int i = 0; i < 50; ++i)
        follow();
    });
    while (follow() > 0) {
    }
    CHECK(seen.size() == tasks * 5);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(f.database().number("SELECT count(*) FROM geartrain.domain_events") == tasks * 5);
  }

} // TEST_SUITE

TEST_SUITE("pauses") {
  TEST_CASE("pauses are set once and removed once") {
    pool_fixture f;
    pause_row whole{"shop", "", "ann", "maintenance", at_second(5)};
    pause_row one{"shop", "order", "bob", "bad release", at_second(6)};
    CHECK(f.ask<unit_done>(set_pause_unit{one, true})->rows == 1);
    CHECK(f.ask<unit_done>(set_pause_unit{whole, true})->rows == 1);
    CHECK(f.ask<unit_done>(set_pause_unit{whole, true})->rows == 0);
    auto rows = f.ask<read_pauses_reply>(read_pauses_unit{})->rows;
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].template_name.empty());
    CHECK(rows[0].who == "ann");
    CHECK(rows[0].reason == "maintenance");
    CHECK(rows[0].since == at_second(5));
    CHECK(rows[1].template_name == "order");
    CHECK(f.ask<unit_done>(set_pause_unit{whole, false})->rows == 1);
    CHECK(f.ask<unit_done>(set_pause_unit{whole, false})->rows == 0);
    CHECK(f.ask<read_pauses_reply>(read_pauses_unit{})->rows.size() == 1);
  }

} // TEST_SUITE

TEST_SUITE("inbox") {
  TEST_CASE("a request belongs to the transaction of whoever asks") {
    pool_fixture f;
    open_transaction business{f.database()};
    business.run("SELECT geartrain.create_task('shop', 'order', context => '{\"n\": 1}')");
    auto waiting = [&] { return f.ask<read_inbox_reply>(read_inbox_unit{})->rows; };
    CHECK(waiting().empty());
    business.run("ROLLBACK");
    CHECK(waiting().empty());
    auto id = f.database().value("SELECT geartrain.create_task('shop', 'order', '1.2.3', '{\"n\": 1}', "
                                 "'{\"priority\": 4}')");
    f.database().query("SELECT geartrain.create_task('shop', 'other')");
    auto rows = waiting();
    REQUIRE(rows.size() == 2);
    CHECK(to_string(rows[0].id) == id);
    CHECK(rows[0].namespace_name == "shop");
    CHECK(rows[0].name == "order");
    CHECK(rows[0].version == "1.2.3");
    CHECK(rows[0].context.view() == R"({"n": 1})");
    CHECK(rows[0].options.view() == R"({"priority": 4})");
    CHECK_FALSE(rows[1].version);
    CHECK(rows[1].context.view() == "{}");
    CHECK_FALSE(rows[1].options);
    CHECK(rows[0].requested_at <= rows[1].requested_at);
    CHECK(f.ask<read_inbox_reply>(read_inbox_unit{1})->rows.size() == 1);
  }

  TEST_CASE("what is plainly wrong is refused at once") {
    test_database database;
    for (auto* wrong :
         {"'', 'order'", "'shop', ''", "NULL, 'order'", "'shop', 'order', ''", "'shop', repeat('x', 256)",
          "'shop', 'order', NULL, '[]'", "'shop', 'order', NULL, NULL", "'shop', 'order', NULL, '{}', '[]'"}) {
      CAPTURE(wrong);
      CHECK_THROWS(database.query(std::string{"SELECT geartrain.create_task("} + wrong + ")"));
    }
    CHECK(database.number("SELECT count(*) FROM geartrain.task_requests") == 0);
  }

  TEST_CASE("a settled request is gone; a refused one leaves a case without a task") {
    pool_fixture f;
    auto ask_for_one = [&] { return *parse_uuid(f.database().value("SELECT geartrain.create_task('shop', 'order')")); };
    auto duplicate = ask_for_one();
    CHECK(f.ask<unit_done>(settle_inbox_unit{duplicate, {}})->rows == 1);
    CHECK(f.ask<unit_done>(settle_inbox_unit{duplicate, {}})->rows == 0);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.dead_letters") == 0);
    auto bad = ask_for_one();
    dead_letter letter;
    letter.id = new_task_id();
    letter.reason = dead_letter_reason::manual_dlq;
    letter.at = at_second(9);
    letter.metadata = json_text{R"({"why":"no template"})"};
    CHECK(f.ask<unit_done>(settle_inbox_unit{bad, letter})->rows == 1);
    CHECK(f.ask<unit_done>(settle_inbox_unit{bad, letter})->rows == 0);
    auto rows = f.ask<list_dead_letters_reply>(list_dead_letters_unit{})->rows;
    REQUIRE(rows.size() == 1);
    CHECK_FALSE(rows[0].task);
    CHECK(rows[0].letter.metadata == letter.metadata);
    auto queue = f.ask<investigation_queue_reply>(investigation_queue_unit{at_second(69), 5})->rows;
    REQUIRE(queue.size() == 1);
    CHECK(queue[0].task_name.empty());
    CHECK(queue[0].minutes_in_dlq == doctest::Approx(1));
  }

} // TEST_SUITE
