#include "db/blocking_session.hpp"
#include "tests/db/pool_fixture.hpp"

#include <algorithm>
#include <future>
#include <set>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr milliseconds long_enough{600'000};

member node_named(const std::string& name) {
  member one;
  one.id = new_task_id();
  one.name = name;
  one.address = "10.0.0.1:7000";
  one.url = "http://10.0.0.1:8080";
  one.process = {"host/boot/pidns", 4711, 123456789012};
  one.joined_at = at_second(1'763'000'000);
  return one;
}

beat_unit beat_of(const member& self, std::vector<partition_move> moves = {}, std::vector<node_id> ended = {}) {
  return {self, long_enough, std::move(moves), std::move(ended)};
}

beat_reply beat(pool_fixture& f, beat_unit unit) {
  auto reply = f.ask<beat_reply>(std::move(unit));
  REQUIRE_MESSAGE(reply, (reply ? "" : reply.error().message));
  return std::move(*reply);
}

cluster_view view(pool_fixture& f) {
  auto reply = f.ask<cluster_view>(read_cluster_unit{});
  REQUIRE(reply);
  return std::move(*reply);
}

/// Moves of all partitions, as this table knows them.
std::vector<partition_move> all_to(const node_id& to, const partition_table& seen) {
  std::vector<partition_move> moves;
  for (std::uint16_t p = 0; p < partition_count; ++p)
    moves.push_back({p, seen[p].term, to});
  return moves;
}

std::ptrdiff_t owned_by(const node_id& id, const partition_table& partitions) {
  return std::ranges::count(partitions, id, &partition_lease::owner);
}

const member* find(const cluster_view& in, const node_id& id) {
  auto found = std::ranges::find(in.members, id, &member::id);
  return found == in.members.end() ? nullptr : &*found;
}

/// A node that has beaten, owns everything, and counts as gone.
member dead_owner(pool_fixture& f) {
  auto dead = node_named("dead");
  beat(f, {dead, milliseconds{1}, all_to(dead.id, view(f).partitions), {}});
  REQUIRE(eventually([&] { return !find(view(f), dead.id)->alive; }));
  return dead;
}

} // namespace

TEST_SUITE("members") {
  TEST_CASE("a node joins, renews itself and is seen by others") {
    pool_fixture f;
    CHECK(view(f).members.empty());
    auto a = node_named("a");
    auto reply = beat(f, beat_of(a));
    CHECK_FALSE(reply.drain_asked);
    CHECK(reply.touched.empty());
    CHECK(owned_by({}, reply.view.partitions) == partition_count);
    REQUIRE(reply.view.members.size() == 1);
    auto b = node_named("b");
    b.process = {};
    b.wire = 7;
    a.draining = true;
    a.url = "http://elsewhere";
    beat(f, beat_of(a));
    auto seen = beat(f, beat_of(b)).view;
    REQUIRE(seen.members.size() == 2);
    CHECK(std::ranges::is_sorted(seen.members, {}, &member::id));
    auto& row = *find(seen, a.id);
    CHECK(row.name == "a");
    CHECK(row.address == a.address);
    CHECK(row.url == "http://elsewhere");
    CHECK(row.wire == wire_version);
    CHECK(row.draining);
    CHECK(row.process == a.process);
    CHECK(row.joined_at == a.joined_at);
    CHECK(row.alive);
    CHECK(row.silent_for >= milliseconds{0});
    CHECK(find(seen, b.id)->wire == 7);
    CHECK(find(seen, b.id)->process == host_process{});
    CHECK(find(seen, b.id)->silent_for == milliseconds{0});
    CHECK(f.figures(db_operation::beat).round_trips == 3);
    CHECK(f.figures(db_operation::beat).statements == 3);
  }

  TEST_CASE("who does not beat in time counts as gone, by the clock of the database, and may come back") {
    pool_fixture f;
    auto a = node_named("a");
    CHECK(find(beat(f, {a, milliseconds{1}, {}, {}}).view, a.id)->alive);
    REQUIRE(eventually([&] { return !find(view(f), a.id)->alive; }));
    CHECK(eventually([&] { return find(view(f), a.id)->silent_for >= milliseconds{5}; }));
    beat(f, beat_of(a));
    CHECK(find(view(f), a.id)->alive);
  }

  TEST_CASE("who has been gone for an hour is forgotten; who ended leaves at once") {
    pool_fixture f;
    auto old = node_named("old"), late = node_named("late"), killed = node_named("killed"), self = node_named("self");
    for (auto& each : {old, late, killed})
      beat(f, beat_of(each));
    auto expire = "UPDATE geartrain.nodes SET expires_at = now() - $2::interval WHERE name = $1";
    f.database().query(expire, {"old", "61 minutes"});
    f.database().query(expire, {"late", "59 minutes"});
    auto seen = beat(f, beat_of(self, {}, {killed.id, self.id})).view;
    CHECK_FALSE(find(seen, old.id));
    CHECK_FALSE(find(seen, killed.id));
    CHECK(find(seen, late.id));
    CHECK(find(seen, self.id));
    CHECK(view(f).members.size() == 2);
  }

  TEST_CASE("a node that leaves is no member and owns nothing") {
    pool_fixture f;
    auto a = node_named("a"), b = node_named("b");
    beat(f, beat_of(a, {{3, 0, a.id}, {200, 0, a.id}, {7, 0, b.id}}));
    beat(f, beat_of(b));
    CHECK(f.ask<unit_done>(leave_unit{a.id})->rows == 2);
    auto seen = view(f);
    CHECK_FALSE(find(seen, a.id));
    CHECK(find(seen, b.id));
    CHECK(seen.partitions[3] == partition_lease{{}, 2});
    CHECK(seen.partitions[200] == partition_lease{{}, 2});
    CHECK(seen.partitions[7] == partition_lease{b.id, 1});
    CHECK(seen.partitions[8] == partition_lease{{}, 0});
    CHECK(f.ask<unit_done>(leave_unit{a.id})->rows == 0);
    CHECK(f.figures(db_operation::leave).round_trips == 2);
  }

  TEST_CASE("a node is asked to drain by its name or id, and hears it with each beat until that is taken back") {
    pool_fixture f;
    auto a = node_named("a"), b = node_named("b");
    beat(f, beat_of(a));
    beat(f, beat_of(b));
    CHECK(f.ask<unit_done>(ask_drain_unit{"a", true})->rows == 1);
    CHECK(beat(f, beat_of(a)).drain_asked);
    CHECK(beat(f, beat_of(a)).drain_asked);
    CHECK_FALSE(beat(f, beat_of(b)).drain_asked);
    CHECK(f.ask<unit_done>(ask_drain_unit{to_string(a.id), false})->rows == 1);
    CHECK_FALSE(beat(f, beat_of(a)).drain_asked);
    CHECK(f.ask<unit_done>(ask_drain_unit{"nobody", true})->rows == 0);
    auto dead = dead_owner(f);
    CHECK(f.ask<unit_done>(ask_drain_unit{dead.name, true})->rows == 0);
  }

  TEST_CASE("a beat in the steady state writes its own row and nothing else, and that as a HOT update") {
    pool_fixture f{one_connection()};
    auto a = node_named("a"), b = node_named("b");
    auto seen = beat(f, beat_of(a, all_to(a.id, view(f).partitions))).view;
    beat(f, beat_of(b));
    f.ask<unit_done>(touch_tasks_unit{{new_task_id()}}); // of a's
    auto rows = [&](const std::string& of, const std::string& where = "true") {
      return f.database().query("SELECT ctid, xmin, xmax, * FROM geartrain." + of + " WHERE " + where +
                                " ORDER BY 4, 5");
    };
    auto partitions = rows("partition_leases"), touched = rows("touched_tasks"), others = rows("nodes", "name = 'a'");
    REQUIRE(touched.size() == 1);
    auto own = rows("nodes", "name = 'b'");
    beat(f, beat_of(b));
    CHECK(rows("partition_leases") == partitions);
    CHECK(rows("touched_tasks") == touched);
    CHECK(rows("nodes", "name = 'a'") == others);
    CHECK(rows("nodes", "name = 'b'") != own);
    auto updates = [&](const std::string& column) {
      return f.database().number("SELECT " + column + " FROM pg_stat_user_tables WHERE relname = 'nodes'");
    };
    auto share_of_hot = [&] {
      constexpr int beats = 100;
      auto updated = updates("n_tup_upd"), hot = updates("n_tup_hot_upd");
      for (int i = 0; i < beats; ++i)
        beat(f, beat_of(b));
      REQUIRE(eventually([&] {
        f.ask<unit_done>(ping_unit{}); // a server process reports its counts when it has been idle or at its next turn
        return updates("n_tup_upd") >= updated + beats;
      }));
      return static_cast<double>(updates("n_tup_hot_upd") - hot) / static_cast<double>(updates("n_tup_upd") - updated);
    };
    // Snapshots of others keep old versions and fill the page; not ten times.
    bool found = false;
    for (int attempt = 0; attempt < 10 && !found; ++attempt)
      found = share_of_hot() >= 0.9;
    CHECK(found);
  }

  TEST_CASE("a beat is taken in however much waits, and goes out first") {
    auto config = one_connection();
    config.max_queue = 1;
    pool_fixture f{config};
    template_lock lock{f.database()};
    auto registered = std::async(std::launch::async, [&] { return f.ask<put_template_reply>(some_template()); });
    REQUIRE(eventually([&] { return f.figures(db_operation::put_template).round_trips == 1; }));
    auto pings = f.ask_all<unit_done>(std::vector<ping_unit>(3), [&] {
      REQUIRE(eventually([&] { return f.metrics->figures().rejected == 2; }));
      auto beats = f.ask_all<beat_reply>(std::vector{beat_of(node_named("a"))}, [&] {
        REQUIRE(eventually([&] { return f.figures(db_operation::beat).units == 1; }));
        lock.release();
      });
      CHECK(beats.front());
    });
    CHECK(std::ranges::count_if(pings, [](auto& one) { return bool{one}; }) == 1);
    CHECK(registered.get());
    CHECK(static_cast<int>(db_operation::beat) == 0);
  }

} // TEST_SUITE

TEST_SUITE("ownership") {
  TEST_CASE("of two nodes that claim the same partitions at once each partition gets one owner") {
    pool_fixture one, two{one.database(), one_connection()};
    auto a = node_named("a"), b = node_named("b");
    beat(one, beat_of(a));
    auto seen = beat(two, beat_of(b)).view.partitions;
    std::int64_t claimed = 0;
    auto race = [&](const std::function<void()>& meanwhile) {
      beat_reply of_b;
      auto of_a = std::async(std::launch::async, [&] { return one.ask<beat_reply>(beat_of(a, all_to(a.id, seen))); });
      auto replies = two.ask_all<beat_reply>(std::vector{beat_of(b, all_to(b.id, seen))}, meanwhile);
      auto first = of_a.get();
      REQUIRE(first);
      REQUIRE(replies.front());
      ++claimed;
      auto now = view(one).partitions;
      CHECK(owned_by(a.id, now) + owned_by(b.id, now) == partition_count);
      CHECK(owned_by(a.id, first->view.partitions) == owned_by(a.id, now));
      CHECK(owned_by(b.id, replies.front()->view.partitions) == owned_by(b.id, now));
      CHECK(std::ranges::count(now, 2 * claimed - 1, &partition_lease::term) == partition_count);
      // Free again, by their owners.
      for (auto& [f, self] : {std::pair{&one, &a}, std::pair{&two, &b}}) {
        auto moves = all_to({}, now);
        std::erase_if(moves, [&](auto& move) { return now[move.partition].owner != self->id; });
        beat(*f, beat_of(*self, std::move(moves)));
      }
      seen = view(one).partitions;
      CHECK(owned_by({}, seen) == partition_count);
    };
    SUBCASE("as it comes") {
      for (int round = 0; round < 20; ++round)
        race({});
    }
    SUBCASE("both have looked before either can write") {
      auto blocker = blocking_session::open(one.database().dsn());
      REQUIRE(blocker);
      REQUIRE((*blocker)->run("BEGIN"));
      REQUIRE((*blocker)->run("SELECT FROM geartrain.partition_leases WHERE partition = 0 FOR UPDATE"));
      race([&] {
        CHECK(eventually([&] {
          return one.database().number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                                       "AND wait_event_type = 'Lock'") == 2;
        }));
        CHECK((*blocker)->run("COMMIT"));
      });
      CHECK(one.figures(db_operation::beat).retries + two.figures(db_operation::beat).retries == 0);
    }
  }

  TEST_CASE("a move with an old term, or of what a living node owns, does nothing") {
    pool_fixture f;
    auto a = node_named("a"), b = node_named("b");
    auto seen = beat(f, beat_of(a, all_to(a.id, view(f).partitions))).view.partitions;
    CHECK(owned_by(a.id, seen) == partition_count);
    CHECK(beat(f, beat_of(a, {{5, 0, b.id}, {6, 2, b.id}})).view.partitions == seen);
    CHECK(beat(f, beat_of(b, all_to(b.id, seen))).view.partitions == seen);
    CHECK(view(f).partitions == seen);
    CHECK(beat(f, beat_of(b, {{300, 0, b.id}})).view.partitions == seen);
  }

  TEST_CASE("the owner hands a partition over to another node") {
    pool_fixture f;
    auto a = node_named("a"), b = node_named("b");
    beat(f, beat_of(a, {{5, 0, a.id}, {6, 0, a.id}}));
    auto seen = beat(f, beat_of(a, {{5, 1, b.id}})).view.partitions;
    CHECK(seen[5] == partition_lease{b.id, 2});
    CHECK(seen[6] == partition_lease{a.id, 1});
    CHECK(beat(f, beat_of(b)).view.partitions == seen);
    CHECK(beat(f, beat_of(a, {{5, 2, a.id}})).view.partitions == seen);
  }

  TEST_CASE("what a dead node owns is free, what one that ended owns is free before it expires") {
    pool_fixture f;
    auto b = node_named("b");
    SUBCASE("dead") {
      auto dead = dead_owner(f);
      auto seen = beat(f, beat_of(b)).view.partitions;
      CHECK(owned_by(dead.id, seen) == partition_count);
      CHECK(owned_by(b.id, beat(f, beat_of(b, all_to(b.id, seen))).view.partitions) == partition_count);
      CHECK(owned_by(b.id, beat(f, beat_of(dead, all_to(dead.id, seen))).view.partitions) == partition_count);
    }
    SUBCASE("ended") {
      auto a = node_named("a");
      beat(f, beat_of(a, all_to(a.id, view(f).partitions)));
      auto reply = beat(f, beat_of(b, {{0, 1, b.id}, {1, 1, b.id}}, {a.id}));
      CHECK(owned_by(b.id, reply.view.partitions) == 2);
      CHECK_FALSE(find(reply.view, a.id));
      // Nobody is the owner of the others: there is no such node any more.
      CHECK(owned_by(b.id, beat(f, beat_of(b, all_to(b.id, reply.view.partitions))).view.partitions) ==
            partition_count);
    }
  }

} // TEST_SUITE
