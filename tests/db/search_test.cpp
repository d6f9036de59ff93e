#include "tests/db/pool_fixture.hpp"

#include <algorithm>

using namespace geartrain;
using namespace geartrain::test;

namespace {

constexpr std::int64_t start = 1'763'000'000;

/// Tasks of two templates in a few shapes, newest first.
struct shelf {
  pool_fixture f;
  std::vector<task_id> ids;
  std::vector<uuid> correlations;

  shelf() {
    auto order = f.ask<put_template_reply>(some_template())->id;
    auto newer = f.ask<put_template_reply>(put_template_unit{"shop", "order", "2.0.0", "bb", "{}"})->id;
    auto loan = f.ask<put_template_reply>(put_template_unit{"bank", "loan", "1.0.0", "cc", "{}"})->id;
    std::vector<create_task_unit> units;
    for (int i = 0; i < 12; ++i) {
      auto unit = creation(new_task_id(start + i * 3600), {}, i % 3 == 0 ? order : i % 3 == 1 ? newer : loan);
      unit.now = at_second(start + i * 3600);
      auto input = sample_input();
      input.tags = i % 2 == 0 ? std::vector<std::string>{"even", "n" + std::to_string(i)} : std::vector<std::string>{};
      input.initiator = i < 4 ? "ann" : "bob";
      input.source_system = i % 4 == 0 ? "crm" : "web";
      units.push_back(unit);
      units.back().input = input_snapshot{input};
      ids.insert(ids.begin(), unit.id);
      correlations.insert(correlations.begin(), input.correlation_id);
    }
    for (auto& answer : f.ask_all<create_task_reply>(units))
      REQUIRE(answer->created);
    end(ids[0], task_state::error);
    end(ids[1], task_state::cancelled);
    end(ids[2], task_state::complete);
  }

  void end(const task_id& id, task_state state) {
    auto turn = turn_of(id, 0, {});
    turn.record.state = state;
    REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
  }

  /// Places in `ids` of what is found; checks the count and that pages of two make up the same.
  std::vector<int> find(list_tasks_unit unit) {
    unit.now = at_second(start);
    unit.limit = 100;
    auto whole = page(unit);
    CHECK(f.ask<list_tasks_reply>(unit)->total_count == whole.size());
    std::vector<int> joined;
    unit.limit = 2;
    unit.counted = false;
    for (auto part = page(unit); !part.empty(); part = page(unit)) {
      joined.insert(joined.end(), part.begin(), part.end());
      unit.before = ids[static_cast<std::size_t>(part.back())];
    }
    CHECK(joined == whole);
    return whole;
  }

  std::vector<int> page(const list_tasks_unit& unit) {
    auto reply = f.ask<list_tasks_reply>(unit);
    REQUIRE(reply);
    std::vector<int> places;
    for (auto& task : reply->tasks)
      places.push_back(static_cast<int>(std::find(ids.begin(), ids.end(), task->head.id) - ids.begin()));
    return places;
  }
};

using places = std::vector<int>;

} // namespace

TEST_SUITE("search") {
  TEST_CASE("each filter alone and in company finds the same tasks, newest first") {
    shelf s;
    list_tasks_unit u;
    CHECK(s.find(u) == places{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    u.template_name = "order";
    CHECK(s.find(u) == places{1, 2, 4, 5, 7, 8, 10, 11});
    u.template_version = "2.0.0";
    CHECK(s.find(u) == places{1, 4, 7, 10});
    u.namespace_name = "bank";
    CHECK(s.find(u) == places{});
    u = {};
    u.namespace_name = "bank";
    CHECK(s.find(u) == places{0, 3, 6, 9});
    u.initiator = "ann";
    CHECK(s.find(u) == places{9});
    u = {};
    u.initiator = "ann";
    CHECK(s.find(u) == places{8, 9, 10, 11});
    u.source_system = "crm";
    CHECK(s.find(u) == places{11});
    u = {};
    u.source_system = "crm";
    CHECK(s.find(u) == places{3, 7, 11});
    u = {};
    u.tags = {"even"};
    CHECK(s.find(u) == places{1, 3, 5, 7, 9, 11});
    u.template_name = "loan";
    CHECK(s.find(u) == places{3, 9});
    u.tags = {"n8", "even"};
    CHECK(s.find(u) == places{3});
    u.tags = {"n8", "n6"};
    CHECK(s.find(u) == places{});
    u = {};
    u.correlation_id = s.correlations[4];
    CHECK(s.find(u) == places{4});
    u.initiator = "ann";
    CHECK(s.find(u) == places{});
  }

  TEST_CASE("states and times of creation") {
    shelf s;
    list_tasks_unit u;
    u.state = task_state::error;
    CHECK(s.find(u) == places{0});
    u.state = task_state::cancelled;
    CHECK(s.find(u) == places{1});
    u.template_name = "loan";
    CHECK(s.find(u) == places{});
    u = {};
    u.state = task_state::complete;
    CHECK(s.find(u) == places{2});
    u = {};
    u.state = task_state::steps_in_process;
    u.namespace_name = "bank";
    CHECK(s.find(u) == places{3, 6, 9});
    u.tags = {"even"};
    CHECK(s.find(u) == places{3, 9});
    u = {};
    u.created_from = at_second(start + 2 * 3600);
    u.created_before = at_second(start + 5 * 3600);
    CHECK(s.find(u) == places{7, 8, 9});
    u.initiator = "ann";
    CHECK(s.find(u) == places{8, 9});
  }

  TEST_CASE("overdue tasks are those past their deadline, or due for longer than they should be") {
    pool_fixture f;
    auto now = at_second(start + 1000);
    auto with = [&](std::optional<timestamp> due, std::optional<timestamp> deadline, bool paused = false,
                    task_state state = task_state::waiting_for_retry) {
      auto id = new_task_id();
      REQUIRE(f.ask<create_task_reply>(creation(id)));
      auto turn = turn_of(id, 0, {});
      turn.record.state = state;
      turn.record.due_at = due;
      turn.record.deadline_at = deadline;
      turn.record.paused = paused;
      REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
      return id;
    };
    using std::chrono::seconds;
    std::vector<task_id> expected{with(now - seconds{5}, {}), with({}, now), with(now + seconds{9}, now)};
    with(now - seconds{4}, now + seconds{1});
    with(now - seconds{50}, now - seconds{50}, true);
    with(now - seconds{50}, now - seconds{50}, false, task_state::error);
    with({}, {});
    std::vector<std::int16_t> all;
    for (std::int16_t p = 0; p < partition_count; ++p)
      all.push_back(p);
    std::sort(expected.begin(), expected.end());
    CHECK(f.ask<overdue_tasks_reply>(overdue_tasks_unit{all, now, milliseconds{5000}, 100})->ids == expected);
    CHECK(f.ask<overdue_tasks_reply>(overdue_tasks_unit{all, now, milliseconds{5000}, 2})->ids.size() == 2);
    CHECK(f.ask<overdue_tasks_reply>(overdue_tasks_unit{{}, now, milliseconds{0}, 100})->ids.empty());
  }

} // TEST_SUITE

TEST_SUITE("analytics") {
  TEST_CASE("figures of a window, slow steps and slow tasks") {
    pool_fixture f;
    auto document = R"({"steps":[{"name":"pick"},{"name":"pack"},{"name":"part","type":"batch_worker"}]})";
    auto shop = f.ask<put_template_reply>(put_template_unit{"shop", "order", "1.0.0", "aa", document})->id;
    auto run = [&](std::int64_t created, int seconds, task_state state) {
      auto unit = creation(new_task_id(created), {}, shop);
      unit.now = at_second(created);
      REQUIRE(f.ask<create_task_reply>(unit));
      auto pick = success(1);
      pick.finished_at = at_second(created + 1);
      auto pack = success(2);
      pack.execution_time_ms = 4000;
      pack.finished_at = at_second(created + 2);
      pack.outcome = state == task_state::error ? attempt_outcome::permanent_failure : attempt_outcome::success;
      auto part = success(static_cast<std::uint16_t>(4 + created % 5));
      part.execution_time_ms.reset();
      part.claimed_at = at_second(created);
      part.finished_at = at_second(created + 2);
      auto turn = turn_of(unit.id, 0, {pick, pack, part});
      turn.record.state = state;
      if (is_terminal(state))
        turn.record.completed_at = at_second(created + seconds);
      REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
    };
    auto now = start + 100'000;
    run(now - 90'000, 10, task_state::complete); // before the window
    run(now - 7200, 10, task_state::complete);
    run(now - 100, 30, task_state::complete);
    run(now - 99, 50, task_state::error);
    run(now - 98, 0, task_state::steps_in_process);
    auto reply = f.ask<performance_reply>(performance_unit{at_second(now - 10'000), at_second(now)});
    REQUIRE(reply);
    CHECK(reply->total_tasks == 4);
    CHECK(reply->active_tasks == 1);
    CHECK(reply->completed_tasks == 2);
    CHECK(reply->failed_tasks == 1);
    CHECK(reply->average_task_seconds == doctest::Approx(20));
    CHECK(reply->recent_completed == 1);
    CHECK(reply->recent_failed == 1);
    CHECK(reply->steps == 12);
    CHECK(reply->failed_attempts == 1);
    CHECK(reply->average_step_seconds == doctest::Approx((1.0 + 4 + 2) / 3));

    auto slow = f.ask<bottlenecks_reply>(bottlenecks_unit{at_second(now - 10'000), 10, 4});
    REQUIRE(slow);
    REQUIRE(slow->steps.size() == 3);
    CHECK(slow->steps[0].step_name == "pack");
    CHECK(slow->steps[0].namespace_name == "shop");
    CHECK(slow->steps[0].task_name == "order");
    CHECK(slow->steps[0].version == "1.0.0");
    CHECK(slow->steps[0].average_seconds == doctest::Approx(4));
    CHECK(slow->steps[0].max_seconds == doctest::Approx(4));
    CHECK(slow->steps[0].executions == 4);
    CHECK(slow->steps[0].errors == 1);
    CHECK(slow->steps[0].last_executed_at == at_second(now - 96));
    CHECK(slow->steps[1].step_name == "part");
    CHECK(slow->steps[1].executions == 4);
    CHECK(slow->steps[2].step_name == "pick");
    CHECK(slow->tasks.empty()); // three have ended
    slow = f.ask<bottlenecks_reply>(bottlenecks_unit{at_second(now - 10'000), 1, 3});
    CHECK(slow->steps.size() == 1);
    REQUIRE(slow->tasks.size() == 1);
    CHECK(slow->tasks[0].average_seconds == doctest::Approx(30));
    CHECK(slow->tasks[0].max_seconds == doctest::Approx(50));
    CHECK(slow->tasks[0].errors == 1);
    CHECK(slow->tasks[0].average_steps == doctest::Approx(4));
    CHECK(slow->tasks_by_state[static_cast<std::size_t>(task_state::complete)] == 3);
    CHECK(slow->tasks_by_state[static_cast<std::size_t>(task_state::error)] == 1);
    CHECK(slow->tasks_by_state[static_cast<std::size_t>(task_state::steps_in_process)] == 1);
    CHECK(slow->total_steps == 20);
  }

  TEST_CASE("figures of nothing are zero") {
    pool_fixture f;
    CHECK(f.ask<performance_reply>(performance_unit{at_second(1), at_second(2)})->average_task_seconds == 0);
    CHECK(f.ask<bottlenecks_reply>(bottlenecks_unit{at_second(1)})->steps.empty());
    CHECK(f.ask<dead_letter_stats_reply>(dead_letter_stats_unit{at_second(1)})->rows.empty());
  }

} // TEST_SUITE
