#include "db/inbox_listener.hpp"
#include "tests/db/pool_fixture.hpp"

#include <atomic>
#include <future>

using namespace geartrain;
using namespace geartrain::test;

namespace {

inbox_listener::config quick(const std::string& dsn) {
  inbox_listener::config settings;
  settings.dsn = dsn;
  settings.reconnect_min = milliseconds{5};
  settings.reconnect_max = milliseconds{20};
  return settings;
}

constexpr auto ask = "SELECT geartrain.create_task('shop', 'order')";

} // namespace

TEST_SUITE("inbox listener") {
  TEST_CASE("it calls once when it is up, and whenever something was put into the inbox") {
    test_database database;
    std::atomic<int> calls{0};
    inbox_listener listener{quick(database.dsn()), [&] { ++calls; }};
    REQUIRE(eventually([&] { return calls == 1; }));
    CHECK(listener.listening());
    database.query(ask);
    CHECK(eventually([&] { return calls == 2; }));
    database.query("SELECT geartrain.create_task('shop', 'order') FROM generate_series(1, 100)");
    CHECK(eventually([&] { return calls == 3; })); // one transaction, one notification
    CHECK_THROWS(database.query("SELECT geartrain.create_task('shop', 'order'), 1 / 0"));
    database.query("NOTIFY something_else");
    database.query(ask);
    CHECK(eventually([&] { return calls == 4; }));
  }

  TEST_CASE("it comes back after its connection broke, and looks then") {
    test_database database;
    std::atomic<int> calls{0};
    inbox_listener listener{quick(database.dsn()), [&] { ++calls; }};
    REQUIRE(eventually([&] { return calls == 1; }));
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'geartrain inbox' "
                   "AND datname = current_database()");
    CHECK(eventually([&] { return calls == 2; }));
    database.query(ask);
    CHECK(eventually([&] { return calls == 3; }));
  }

  TEST_CASE("it stops at once: idle, between two tries, while it connects") {
    test_database database;
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
      inbox_listener{quick(database.dsn()), [] {}};
    {
      std::atomic<int> calls{0};
      inbox_listener idle{quick(database.dsn()), [&] { ++calls; }};
      REQUIRE(eventually([&] { return calls == 1; }));
    }
    {
      auto settings = quick("host=/nonexistent dbname=nothing");
      settings.reconnect_min = settings.reconnect_max = milliseconds{60'000};
      inbox_listener waiting{settings, [] {}};
    }
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{20});
  }

  TEST_CASE("after its end there is no call") {
    test_database database;
    std::promise<void> entered;
    std::promise<void> may_leave;
    std::atomic<bool> left{false};
    auto listener = std::make_unique<inbox_listener>(quick(database.dsn()), [&] {
      entered.set_value();
      may_leave.get_future().wait();
      left = true;
    });
    entered.get_future().wait();
    auto ended = std::async(std::launch::async, [&] { listener.reset(); });
    may_leave.set_value();
    ended.wait();
    CHECK(left);
  }

} // TEST_SUITE
