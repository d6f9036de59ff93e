#include "db/blocking_session.hpp"
#include "db/cluster_authority.hpp"
#include "tests/db/pool_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <future>

using namespace geartrain;
using namespace geartrain::test;

namespace {

/// What the node hears with a beat, in order.
std::vector<task_id> told(pool_fixture& f, const node_id& id, std::vector<partition_move> moves = {}) {
  beat_unit unit;
  unit.self.id = id;
  unit.valid_for = milliseconds{600'000};
  unit.moves = std::move(moves);
  auto reply = f.ask<beat_reply>(std::move(unit));
  REQUIRE(reply);
  std::ranges::sort(reply->touched);
  return std::move(reply->touched);
}

task_id task_in(std::uint16_t partition) {
  for (;;)
    if (auto id = new_task_id(); partition_of(id) == partition)
      return id;
}

} // namespace

TEST_SUITE("touched tasks") {
  TEST_CASE("the owner hears of a touched task once, and nobody else does") {
    pool_fixture f;
    auto a = new_task_id(), b = new_task_id();
    auto first = task_in(1), second = task_in(2), nobodys = task_in(3);
    told(f, a, {{1, 0, a}});
    told(f, b, {{2, 0, b}});
    CHECK(f.ask<unit_done>(touch_tasks_unit{{first, second, nobodys}})->rows == 3);
    CHECK(told(f, a) == std::vector{first});
    CHECK(told(f, a).empty());
    CHECK(told(f, b) == std::vector{second});
    CHECK(f.ask<unit_done>(touch_tasks_unit{{first, first}}));
    CHECK(f.ask<unit_done>(touch_tasks_unit{{first}}));
    CHECK(told(f, b).empty());
    CHECK(told(f, a) == std::vector{first});
    CHECK(f.database().number("SELECT count(*) FROM geartrain.touched_tasks") == 1); // nobody's
  }

  TEST_CASE("the owner is who owns the partition after the beat") {
    pool_fixture f;
    auto a = new_task_id(), b = new_task_id();
    auto task = task_in(1);
    told(f, a, {{1, 0, a}});
    REQUIRE(f.ask<unit_done>(touch_tasks_unit{{task}}));
    CHECK(told(f, a, {{1, 1, b}}).empty());
    CHECK(told(f, b) == std::vector{task});
    REQUIRE(f.ask<unit_done>(touch_tasks_unit{{task}}));
    told(f, b, {{1, 2, {}}});
    CHECK(told(f, a, {{1, 3, a}}) == std::vector{task});
  }

  TEST_CASE("many nodes that touch the same tasks at once, while the owner listens, lose none") {
    pool_fixture edge{db_config{.dsn = {}, .connections = 4}}, owner{edge.database(), one_connection()};
    auto a = new_task_id();
    std::vector<partition_move> moves;
    for (std::uint16_t p = 0; p < partition_count; ++p)
      moves.push_back({p, 0, a});
    told(owner, a, moves);
    std::vector<task_id> tasks;
    for (int i = 0; i < 50; ++i)
      tasks.push_back(new_task_id());
    std::vector<task_id> heard;
    auto listen = [&] {
      auto more = told(owner, a);
      heard.insert(heard.end(), more.begin(), more.end());
    };
    std::vector<touch_tasks_unit> units;
    for (std::size_t i = 0; i < 400; ++i)
      units.push_back({{tasks[i % 50], tasks[(i * 7 + 3) % 50]}});
    for (auto& answer : edge.ask_all<unit_done>(units, [&] {
           for (int i = 0; i < 20; ++i)
             listen();
         }))
      CHECK(answer);
    listen();
    std::ranges::sort(tasks);
    std::ranges::sort(heard);
    heard.erase(std::unique(heard.begin(), heard.end()), heard.end());
    CHECK(heard == tasks);
    CHECK(edge.figures(db_operation::touch_tasks).round_trips < 400);
    CHECK(edge.figures(db_operation::touch_tasks).retries == 0);
  }

  TEST_CASE("a beat does not wait for who touches a task at that moment") {
    pool_fixture f;
    auto a = new_task_id();
    auto busy = task_in(1), idle = task_in(1);
    told(f, a, {{1, 0, a}});
    REQUIRE(f.ask<unit_done>(touch_tasks_unit{{busy, idle}}));
    auto edge = blocking_session::open(f.database().dsn());
    REQUIRE(edge);
    REQUIRE((*edge)->run("BEGIN"));
    REQUIRE((*edge)->run("UPDATE geartrain.touched_tasks SET at = now() WHERE task_id = $1", parameters{}.add(busy)));
    CHECK(told(f, a) == std::vector{idle});
    REQUIRE((*edge)->run("COMMIT"));
    CHECK(told(f, a) == std::vector{busy});
  }

} // TEST_SUITE

TEST_SUITE("authority") {
  TEST_CASE("the first authority stays the only one") {
    test_database database;
    int made = 0;
    auto make = [&](std::string name) {
      return [&made, name]() -> expected<authority_pem> {
        ++made;
        return authority_pem{"certificate " + name, "key " + name};
      };
    };
    // The inner call comes after the outer one has found nothing, and stores first.
    auto outer = load_or_store_authority(database.dsn(), [&]() -> expected<authority_pem> {
      auto inner = load_or_store_authority(database.dsn(), make("inner"));
      REQUIRE(inner);
      CHECK(*inner == authority_pem{"certificate inner", "key inner"});
      return *make("outer")();
    });
    REQUIRE(outer);
    CHECK(*outer == authority_pem{"certificate inner", "key inner"});
    CHECK(made == 2);
    auto later = load_or_store_authority(database.dsn(), make("later"));
    REQUIRE(later);
    CHECK(*later == *outer);
    CHECK(made == 2);
    CHECK(database.number("SELECT count(*) FROM geartrain.cluster_settings WHERE name LIKE 'authority%'") == 2);
  }

  TEST_CASE("eight nodes that start at once get the same one") {
    test_database database;
    std::atomic<int> number{0};
    std::vector<std::future<expected<authority_pem>>> nodes;
    for (int i = 0; i < 8; ++i)
      nodes.push_back(std::async(std::launch::async, [&] {
        return load_or_store_authority(database.dsn(), [&]() -> expected<authority_pem> {
          auto mine = std::to_string(++number);
          return authority_pem{mine, mine};
        });
      }));
    std::vector<authority_pem> all;
    for (auto& node : nodes) {
      auto got = node.get();
      REQUIRE(got);
      all.push_back(*got);
    }
    CHECK(std::ranges::count(all, all.front()) == 8);
    CHECK(all.front().certificate == all.front().key);
  }

  TEST_CASE("what goes wrong is said, and nothing is stored") {
    test_database database;
    auto fail = []() -> expected<authority_pem> { return failure{errc::unhandled, "no entropy"}; };
    auto refused = load_or_store_authority(database.dsn(), fail);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "no entropy");
    CHECK(database.number("SELECT count(*) FROM geartrain.cluster_settings") == 1); // the secret of the tokens
    database.query("INSERT INTO geartrain.cluster_settings VALUES ('authority_key', 'k')");
    auto half = load_or_store_authority(database.dsn(), fail);
    REQUIRE_FALSE(half);
    CHECK(half.error().code == errc::storage);
    CHECK(half.error().message.find("half") != std::string::npos);
    auto nowhere = load_or_store_authority("host=/nonexistent dbname=nothing", fail);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().code == errc::unavailable);
  }

} // TEST_SUITE
