#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>

using namespace geartrain;
using namespace geartrain::test;

namespace {

/// Holds the only connection of a pool: a registration that waits for a lock. What is asked meanwhile gathers in the
/// queues, so that the next batches are known exactly.
class busy_pool {
public:
  explicit busy_pool(pool_fixture& f) : fixture_(f), lock_(f.database()) {
    registration_ = std::async(std::launch::async, [&f] { return f.ask<put_template_reply>(some_template()); });
    REQUIRE(eventually([&] { return f.metrics->in_flight == 1; }));
  }

  /// Lets go as soon as `units` wait.
  void release_when_queued(std::int64_t units) {
    CHECK(eventually([&] { return fixture_.metrics->queued == units; }));
    lock_.release();
    CHECK(registration_.get());
  }

private:
  pool_fixture& fixture_;
  template_lock lock_;
  std::future<expected<put_template_reply>> registration_;
};

/// Asks with all units in the queue at once.
template <class Reply, class Unit>
std::vector<expected<Reply>> ask_together(pool_fixture& f, std::vector<Unit> units) {
  busy_pool busy{f};
  auto count = static_cast<std::int64_t>(units.size());
  return f.ask_all<Reply>(std::move(units), [&] { busy.release_when_queued(count); });
}

std::vector<task_id> create(pool_fixture& f, int count) {
  std::vector<create_task_unit> units;
  std::vector<task_id> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(new_task_id());
    units.push_back(creation(ids.back()));
  }
  for (auto& answer : f.ask_all<create_task_reply>(std::move(units)))
    REQUIRE(answer);
  return ids;
}

} // namespace

TEST_SUITE("batching") {
  TEST_CASE("everything that waits becomes one statement and one round trip") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 100);
    std::vector<commit_turn_unit> turns;
    for (auto& id : ids)
      turns.push_back(turn_of(id, 0, {success(1)}));
    auto before = f.figures(db_operation::commit_turns);
    for (auto& answer : ask_together<commit_turn_reply>(f, turns))
      CHECK(answer->committed);
    auto after = f.figures(db_operation::commit_turns);
    CHECK(after.units - before.units == 100);
    CHECK(after.round_trips - before.round_trips == 1);
    CHECK(after.statements - before.statements == 1);
    CHECK(after.batch_size.sum - before.batch_size.sum == 100);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.attempts") == 100);
  }

  TEST_CASE("a batch is bounded by units and by bytes") {
    auto config = one_connection();
    config.max_batch = 10;
    config.max_batch_bytes = 20'000;
    pool_fixture f{config};
    auto ids = create(f, 35);
    auto trips = [&] { return f.figures(db_operation::commit_turns).round_trips; };
    std::vector<commit_turn_unit> small;
    std::vector<commit_turn_unit> large;
    for (auto& id : ids)
      small.push_back(turn_of(id, 0, {success(1)}));
    for (std::size_t i = 0; i < 5; ++i)
      large.push_back(turn_of(ids[i], 1, {success(2, 1, '"' + std::string(30'000, 'x') + '"')}));
    for (auto& answer : ask_together<commit_turn_reply>(f, small))
      CHECK(answer->committed);
    CHECK(trips() == 4);
    for (auto& answer : ask_together<commit_turn_reply>(f, large))
      CHECK(answer->committed);
    CHECK(trips() == 9); // one too large for the bound goes alone
  }

  TEST_CASE("batches of several operations ride in one exchange, each a round trip of its own") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 1);
    auto exchanges = f.metrics->exchanges.load();
    {
      busy_pool busy{f};
      auto turn = std::async(std::launch::async, [&] { return f.ask<commit_turn_reply>(turn_of(ids[0], 0, {})); });
      auto ping = std::async(std::launch::async, [&] { return f.ask<unit_done>(ping_unit{}); });
      auto made = std::async(std::launch::async, [&] { return f.ask<create_task_reply>(creation(new_task_id())); });
      busy.release_when_queued(3);
      CHECK(turn.get()->committed);
      CHECK(ping.get());
      CHECK(made.get()->created);
    }
    CHECK(f.metrics->exchanges - exchanges == 2); // the registration, and the three together
    CHECK(f.figures(db_operation::commit_turns).round_trips == 1);
    CHECK(f.figures(db_operation::ping).round_trips == 1);
  }

  TEST_CASE("one bad unit among good ones fails alone") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 64);
    std::vector<commit_turn_unit> turns;
    for (auto& id : ids)
      turns.push_back(turn_of(id, 0, {success(1)}));
    turns[37].record.appended.outcomes[0].result = json_text{"\"\xff\xfe\""}; // not UTF-8: the server refuses it
    auto answers = ask_together<commit_turn_reply>(f, turns);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (i == 37) {
        REQUIRE_FALSE(answers[i]);
        CHECK(answers[i].error().code == errc::storage);
        CHECK(answers[i].error().message.find("22021") == 0);
      } else {
        REQUIRE(answers[i]);
        CHECK(answers[i]->committed);
      }
    }
    auto figures = f.figures(db_operation::commit_turns);
    CHECK(figures.splits == 6); // 64 to 1
    CHECK(figures.errors == 1);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.attempts") == 63);
    CHECK(f.database().number("SELECT version FROM geartrain.tasks WHERE task_id = $1", {to_string(ids[37])}) == 0);
  }

  TEST_CASE("bad creations fail alone, too") {
    pool_fixture f{one_connection()};
    std::vector<create_task_unit> units;
    for (int i = 0; i < 20; ++i)
      units.push_back(creation(new_task_id(), identity_of(i)));
    for (auto bad : {3U, 4U, 19U}) {
      auto input = sample_input();
      input.reason = std::string{"nul \0 inside", 12};
      units[bad].input = input_snapshot{input};
    }
    auto answers = ask_together<create_task_reply>(f, units);
    CHECK(std::count_if(answers.begin(), answers.end(), [](auto& a) { return a && a->created; }) == 17);
    CHECK_FALSE(answers[3]);
    CHECK_FALSE(answers[4]);
    CHECK_FALSE(answers[19]);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.identities") == 17);
  }

  TEST_CASE("creations that were written before count as done, and their neighbours are created") {
    pool_fixture f{one_connection()};
    std::vector<create_task_unit> units;
    for (int i = 0; i < 20; ++i)
      units.push_back(creation(new_task_id()));
    REQUIRE(f.ask<create_task_reply>(units[3])->created);
    REQUIRE(f.ask<create_task_reply>(units[11])->created);
    auto before = f.figures(db_operation::create_tasks);
    for (auto& answer : ask_together<create_task_reply>(f, units)) {
      REQUIRE(answer);
      CHECK(answer->created);
    }
    auto after = f.figures(db_operation::create_tasks);
    CHECK(after.round_trips - before.round_trips == 2); // the second one looks at what is there
    CHECK(after.splits == 0);
    CHECK(after.errors == 0);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 20);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.task_inputs") == 20);
  }

  TEST_CASE("a turn whose version is taken writes nothing of itself, and all of its neighbours is written") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 3);
    REQUIRE(f.ask<commit_turn_reply>(appending(turn_of(ids[1], 0, {success(3)})))->committed);
    auto late = turn_of(ids[1], 0, {success(1), success(2)});
    SUBCASE("it appends only") {
      late = appending(late);
    }
    SUBCASE("it moves the head row") {}
    SUBCASE("it has no outcome") {
      late.record.appended.outcomes.clear();
    }
    auto answers = ask_together<commit_turn_reply>(
      f, std::vector{turn_of(ids[0], 0, {success(1)}), late, appending(turn_of(ids[2], 0, {success(1)}))});
    REQUIRE(answers[0]);
    CHECK(answers[0]->committed);
    REQUIRE(answers[1]);
    CHECK_FALSE(answers[1]->committed);
    REQUIRE(answers[2]);
    CHECK(answers[2]->committed);
    CHECK(f.figures(db_operation::commit_turns).errors == 0);
    CHECK(f.database().number("SELECT version FROM geartrain.tasks WHERE task_id = $1", {to_string(ids[1])}) == 0);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.attempts WHERE task_id = $1", {to_string(ids[1])}) == 1);
  }

  TEST_CASE("a lost compare-and-swap is no error and costs no other round trip") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 2);
    auto answers = ask_together<commit_turn_reply>(
      f, std::vector{turn_of(ids[0], 7, {success(1)}), turn_of(ids[1], 0, {success(1)})});
    CHECK_FALSE(answers[0]->committed);
    CHECK(answers[1]->committed);
    CHECK(f.figures(db_operation::commit_turns).round_trips == 1);
    CHECK(f.figures(db_operation::commit_turns).errors == 0);
  }

  TEST_CASE("two turns of one task go one after the other") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 2);
    auto answers =
      ask_together<commit_turn_reply>(f, std::vector{turn_of(ids[0], 0, {success(1)}), turn_of(ids[0], 1, {success(2)}),
                                                     turn_of(ids[1], 0, {success(1)}), turn_of(ids[0], 2, {success(3)}),
                                                     turn_of(ids[0], 2, {success(4)})});
    CHECK(answers[0]->committed);
    CHECK(answers[1]->committed);
    CHECK(answers[2]->committed);
    CHECK(answers[3]->committed);
    CHECK_FALSE(answers[4]->committed);
    CHECK(f.figures(db_operation::commit_turns).round_trips == 4);
  }

  TEST_CASE("equal identities that wait together: the first one is created") {
    pool_fixture f{one_connection()};
    std::vector<create_task_unit> units;
    for (int i = 0; i < 5; ++i)
      units.push_back(creation(new_task_id(), identity_of(1)));
    units.push_back(units[0]); // and a repeated unit
    units.push_back(creation(new_task_id(), identity_of(2)));
    auto answers = ask_together<create_task_reply>(f, units);
    CHECK(answers[0]->created);
    for (std::size_t i = 1; i < 5; ++i) {
      CHECK_FALSE(answers[i]->created);
      CHECK(answers[i]->existing == units[0].id);
    }
    CHECK(answers[5]->created);
    CHECK(answers[6]->created);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 2);
  }

  TEST_CASE("many equal creations from two nodes: exactly one wins and all learn its id") {
    test_database database;
    db_config config;
    config.connections = 4;
    config.max_batch = 8;
    pool_fixture first{database, config};
    pool_fixture second{database, config};
    constexpr int identities = 40;
    auto ask = [&](pool_fixture& f) {
      std::vector<create_task_unit> units;
      for (int copy = 0; copy < 10; ++copy)
        for (int i = 0; i < identities; ++i)
          units.push_back(creation(new_task_id(), identity_of(i)));
      std::vector<std::pair<create_task_unit, expected<create_task_reply>>> results;
      auto answers = f.ask_all<create_task_reply>(units);
      for (std::size_t i = 0; i < units.size(); ++i)
        results.emplace_back(units[i], answers[i]);
      return results;
    };
    auto other = std::async(std::launch::async, [&] { return ask(second); });
    auto results = ask(first);
    for (auto& one : other.get())
      results.push_back(one);
    std::map<std::string, std::set<std::string>> named;
    int created = 0;
    for (auto& [unit, answer] : results) {
      REQUIRE_MESSAGE(answer, answer.error().message);
      created += answer->created ? 1 : 0;
      named[*unit.identity_hash].insert(to_string(answer->created ? unit.id : answer->existing));
    }
    CHECK(created == identities);
    for (auto& [hash, ids] : named)
      CHECK(ids.size() == 1);
    CHECK(database.number("SELECT count(*) FROM geartrain.tasks") == identities);
  }

  TEST_CASE("a holder that commits while the creation waits for it is found by a second round trip") {
    pool_fixture f{one_connection()};
    auto holder = new_task_id();
    std::unique_ptr<PGconn, decltype(&PQfinish)> other{PQconnectdb(f.database().dsn().c_str()), PQfinish};
    auto run = [&](const std::string& sql) { PQclear(PQexec(other.get(), sql.c_str())); };
    run("BEGIN");
    run("INSERT INTO geartrain.identities VALUES ('" + identity_of(1) + "', '" + to_string(holder) + "')");
    auto asked =
      std::async(std::launch::async, [&] { return f.ask<create_task_reply>(creation(new_task_id(), identity_of(1))); });
    REQUIRE(eventually([&] {
      return f.database().number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                 "wait_event_type = 'Lock'") == 1;
    }));
    SUBCASE("it commits") {
      run("COMMIT");
      auto answer = asked.get();
      REQUIRE(answer);
      CHECK_FALSE(answer->created);
      CHECK(answer->existing == holder);
      CHECK(f.figures(db_operation::create_tasks).round_trips == 1);
      CHECK(f.figures(db_operation::find_holders).round_trips == 1);
    }
    SUBCASE("it gives up") {
      run("ROLLBACK");
      CHECK(asked.get()->created);
      CHECK(f.figures(db_operation::find_holders).round_trips == 0);
    }
  }

  TEST_CASE("a deadlock that others cause is survived by repeating the batch") {
    pool_fixture f{one_connection()};
    auto ids = create(f, 2);
    std::sort(ids.begin(), ids.end());
    std::unique_ptr<PGconn, decltype(&PQfinish)> other{PQconnectdb(f.database().dsn().c_str()), PQfinish};
    auto touch = [](const task_id& id) {
      return "UPDATE geartrain.tasks SET priority = 1 WHERE task_id = '" + to_string(id) + "'";
    };
    PQclear(PQexec(other.get(), "BEGIN"));
    PQclear(PQexec(other.get(), touch(ids[1]).c_str()));
    auto both = std::async(std::launch::async, [&] {
      return ask_together<commit_turn_reply>(
        f, std::vector{turn_of(ids[0], 0, {success(1)}), turn_of(ids[1], 0, {success(1)})});
    });
    REQUIRE(eventually([&] {
      return f.database().number("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                                 "WHERE NOT granted AND a.query LIKE '%moved%' AND l.locktype = 'transactionid'") == 1;
    }));
    // Which row the batch locks first is the server's choice; only with this one there is a deadlock.
    auto first_is_locked = f.database().number("SELECT count(*) FROM (SELECT FROM geartrain.tasks WHERE task_id = '" +
                                               to_string(ids[0]) + "' FOR UPDATE SKIP LOCKED) free") == 0;
    PQclear(PQexec(other.get(), touch(ids[0]).c_str())); // returns when the server has ended one of the two
    auto survived = PQtransactionStatus(other.get()) == PQTRANS_INTRANS;
    PQclear(PQexec(other.get(), "COMMIT"));
    for (auto& answer : both.get()) {
      REQUIRE(answer);
      CHECK(answer->committed);
    }
    if (survived && first_is_locked) // then the batch was the one to be ended
      CHECK(f.figures(db_operation::commit_turns).retries >= 1);
  }

  TEST_CASE("one connection serves thousands of concurrent units of every kind") {
    pool_fixture f{one_connection()};
    constexpr int tasks = 2000;
    auto ids = create(f, tasks);
    std::vector<std::future<bool>> askers;
    for (int asker = 0; asker < 4; ++asker) {
      askers.push_back(std::async(std::launch::async, [&, asker] {
        std::vector<commit_turn_unit> turns;
        std::vector<load_task_unit> loads;
        for (int i = asker; i < tasks; i += 4) {
          turns.push_back(turn_of(ids[static_cast<std::size_t>(i)], 0, {success(1), success(2)}));
          loads.push_back({ids[static_cast<std::size_t>(i)]});
        }
        auto committed = f.ask_all<commit_turn_reply>(turns);
        auto loaded = f.ask_all<task_rows_ptr>(loads);
        auto list = f.ask<list_tasks_reply>(list_tasks_unit{});
        return list && std::all_of(committed.begin(), committed.end(), [](auto& a) { return a && a->committed; }) &&
               std::all_of(loaded.begin(), loaded.end(), [](auto& a) { return a && (*a)->attempts.size() == 2; });
      }));
    }
    for (auto& asker : askers)
      CHECK(asker.get());
    CHECK(f.metrics->connects == 1);
    CHECK(f.metrics->queued == 0);
    CHECK(f.metrics->in_flight == 0);
    auto figures = f.figures(db_operation::commit_turns);
    CHECK(figures.units == tasks);
    CHECK(figures.round_trips < tasks / 4); // coalesced without any timer
  }

} // TEST_SUITE
