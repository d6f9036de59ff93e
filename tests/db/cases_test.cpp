#include "tests/db/pool_fixture.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace geartrain;
using namespace geartrain::test;

namespace {

dead_letter letter_of(dead_letter_reason reason, std::int64_t second) {
  dead_letter letter;
  letter.id = new_task_id(second);
  letter.reason = reason;
  letter.original_state = task_state::steps_in_process;
  letter.at = at_second(second);
  letter.task_snapshot = json_text{R"({"n":1})"};
  return letter;
}

task_id make_task(pool_fixture& f, std::int64_t template_id = 1) {
  auto id = new_task_id();
  REQUIRE(f.ask<create_task_reply>(creation(id, {}, template_id))->created);
  return id;
}

std::vector<dead_letter_row> letters(pool_fixture& f, list_dead_letters_unit unit = {}) {
  auto reply = f.ask<list_dead_letters_reply>(std::move(unit));
  REQUIRE(reply);
  return reply->rows;
}

} // namespace

TEST_SUITE("audit") {
  TEST_CASE("attempts, refused reports and acts of one step, newest first, under stable ids") {
    pool_fixture f;
    auto id = make_task(f);
    auto failed = success(2);
    failed.outcome = attempt_outcome::retryable_failure;
    failed.result = {};
    failed.error = json_text{R"({"message":"boom"})"};
    failed.next_attempt_at = at_second(1'763'000'050);
    failed.finished_at = at_second(1'763'000'010);
    auto expired = success(2, 2);
    expired.outcome = attempt_outcome::lease_expired;
    expired.next_attempt_at = expired.finished_at = at_second(1'763'000'020);
    auto given_up = failed;
    given_up.attempt = 3;
    given_up.next_attempt_at.reset();
    given_up.finished_at = at_second(1'763'000'030);
    REQUIRE(f.ask<commit_turn_reply>(turn_of(id, 0, {failed, success(1)}))->committed);
    auto last = turn_of(id, 1, {expired, given_up});
    task_fact reset;
    reset.kind = fact_kind::step_reset;
    reset.number = 2;
    reset.at = at_second(1'763'000'040);
    reset.who = "ann";
    reset.reason = "again";
    reset.from = step_state::error;
    reset.to = step_state::pending;
    auto decided = reset;
    decided.kind = fact_kind::decided;
    last.record.appended.facts = {decided, reset};
    REQUIRE(f.ask<commit_turn_reply>(last)->committed);
    refused_report late;
    late.token = {make_step_id(id, 2), 2, 0, 1, 99, at_second(1)};
    late.worker = "slow";
    late.success = true;
    late.received_at = at_second(1'763'000'035);
    REQUIRE(f.ask<unit_done>(record_refused_unit{{late}}));

    auto reply = f.ask<read_audit_reply>(read_audit_unit{make_step_id(id, 2)});
    REQUIRE(reply);
    CHECK(reply->correlation_id == (*f.ask<task_rows_ptr>(load_task_unit{id}))->input.correlation_id);
    auto& rows = reply->rows;
    REQUIRE(rows.size() == 5);
    CHECK(rows[0].kind == "reset_for_retry");
    CHECK(rows[0].who == "ann");
    CHECK(rows[0].reason == "again");
    CHECK(rows[0].from == step_state::error);
    CHECK(rows[0].to == step_state::pending);
    CHECK(rows[0].worker.empty());
    CHECK(rows[0].attempt == 0);
    CHECK(rows[0].result.view() == R"({"type":"reset_for_retry","data":null})");
    CHECK(rows[1].kind == "refused");
    CHECK(rows[1].worker == "slow");
    CHECK(rows[1].success);
    CHECK(rows[1].attempt == 2);
    CHECK(rows[1].recorded_at == late.received_at);
    CHECK(rows[2].kind == "result");
    CHECK(rows[2].to == step_state::error);
    CHECK_FALSE(rows[2].success);
    CHECK(rows[2].result.view() == R"({"type":"retryable_failure","data":{"message":"boom"}})");
    CHECK(rows[3].to == step_state::enqueued);
    CHECK(rows[4].to == step_state::waiting_for_retry);
    CHECK(rows[4].from == step_state::in_progress);
    CHECK(rows[4].worker == "worker-1");
    CHECK(rows[4].execution_time_ms == 1000);
    CHECK(rows[2].transition_id == rows[3].transition_id); // one turn
    CHECK(rows[0].transition_id == rows[2].transition_id);
    CHECK(rows[4].transition_id != rows[3].transition_id);
    std::set<uuid> ids;
    for (auto& row : rows)
      ids.insert(row.id);
    CHECK(ids.size() == 5);
    auto again = f.ask<read_audit_reply>(read_audit_unit{make_step_id(id, 2)});
    for (std::size_t i = 0; i < rows.size(); ++i)
      CHECK(again->rows[i].id == rows[i].id);
    CHECK(f.ask<read_audit_reply>(read_audit_unit{make_step_id(id, 1)})->rows[0].to == step_state::complete);
    CHECK(f.ask<read_audit_reply>(read_audit_unit{make_step_id(id, 3)})->rows.empty());
    CHECK(f.ask<read_audit_reply>(read_audit_unit{make_step_id(new_task_id(), 1)}).error().code == errc::not_found);
  }

} // TEST_SUITE

TEST_SUITE("dead letters") {
  TEST_CASE("a task has one pending case; a case changes by what is given") {
    pool_fixture f;
    auto id = make_task(f);
    auto letter = letter_of(dead_letter_reason::manual_dlq, 1'763'000'100);
    CHECK(f.ask<unit_done>(add_dead_letter_unit{id, letter})->rows == 1);
    CHECK(f.ask<unit_done>(add_dead_letter_unit{id, letter_of(dead_letter_reason::manual_dlq, 1'763'000'101)})->rows ==
          0);
    auto row = letters(f).at(0);
    CHECK(row.letter.id == letter.id);
    CHECK(row.task == id);
    CHECK(row.letter.reason == dead_letter_reason::manual_dlq);
    CHECK(row.letter.original_state == task_state::steps_in_process);
    CHECK(row.letter.at == letter.at);
    CHECK(row.letter.task_snapshot == letter.task_snapshot);
    CHECK_FALSE(row.letter.metadata);
    CHECK(row.status == resolution_status::pending);
    CHECK_FALSE(row.resolved_at);

    update_dead_letter_unit update;
    update.id = letter.id;
    update.notes = "looked at";
    update.now = at_second(1'763'000'200);
    CHECK(f.ask<unit_done>(update)->rows == 1);
    row = letters(f).at(0);
    CHECK(row.notes == "looked at");
    CHECK(row.status == resolution_status::pending);
    CHECK_FALSE(row.resolved_at);
    CHECK(row.updated_at == update.now);
    update.notes.reset();
    update.status = resolution_status::manually_resolved;
    update.resolved_by = "ann";
    update.metadata = json_text{R"({"ticket":7})"};
    CHECK(f.ask<unit_done>(update));
    row = letters(f).at(0);
    CHECK(row.notes == "looked at");
    CHECK(row.status == resolution_status::manually_resolved);
    CHECK(row.resolved_by == "ann");
    CHECK(row.resolved_at == update.now);
    CHECK(row.letter.metadata == update.metadata);

    CHECK(f.ask<unit_done>(add_dead_letter_unit{id, letter_of(dead_letter_reason::manual_dlq, 1'763'000'300)})->rows ==
          1);
    update.status = resolution_status::pending;
    CHECK(f.ask<unit_done>(update).error().code == errc::conflict);
    update.id = new_task_id();
    CHECK(f.ask<unit_done>(update).error().code == errc::not_found);
  }

  TEST_CASE("listings filter and page, newest first") {
    pool_fixture f;
    std::vector<task_id> tasks;
    for (int i = 0; i < 5; ++i) {
      tasks.push_back(make_task(f));
      auto letter = letter_of(dead_letter_reason::staleness_timeout, 1'763'000'100 + i);
      REQUIRE(f.ask<unit_done>(add_dead_letter_unit{tasks.back(), letter})->rows == 1);
    }
    update_dead_letter_unit update;
    update.id = letters(f)[4].letter.id;
    update.status = resolution_status::cancelled;
    REQUIRE(f.ask<unit_done>(update));
    list_dead_letters_unit page;
    page.limit = 2;
    page.offset = 1;
    auto rows = letters(f, page);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].task == tasks[3]);
    CHECK(rows[1].task == tasks[2]);
    list_dead_letters_unit pending;
    pending.status = resolution_status::pending;
    CHECK(letters(f, pending).size() == 4);
    list_dead_letters_unit of_task;
    of_task.task = tasks[0];
    REQUIRE(letters(f, of_task).size() == 1);
    of_task.status = resolution_status::pending;
    CHECK(letters(f, of_task).empty());
    list_dead_letters_unit by_id;
    by_id.id = rows[0].letter.id;
    REQUIRE(letters(f, by_id).size() == 1);
    CHECK(letters(f, by_id)[0].task == tasks[3]);
    by_id.task = tasks[0];
    CHECK(letters(f, by_id).empty());
  }

  TEST_CASE("statistics per reason, and the queue by score") {
    pool_fixture f;
    auto shop = f.ask<put_template_reply>(some_template())->id;
    auto now = at_second(1'763'060'000);
    auto open = [&](dead_letter_reason reason, std::int64_t minutes_ago) {
      auto id = make_task(f, shop);
      auto letter = letter_of(reason, 1'763'060'000 - minutes_ago * 60);
      REQUIRE(f.ask<unit_done>(add_dead_letter_unit{id, letter})->rows == 1);
      return letter.id;
    };
    auto stale = open(dead_letter_reason::staleness_timeout, 30);        // 130
    auto manual = open(dead_letter_reason::manual_dlq, 600);             // 610
    auto retries = open(dead_letter_reason::max_retries_exceeded, 5);    // 505
    auto cycle = open(dead_letter_reason::dependency_cycle_detected, 1); // 1001
    auto lost = open(dead_letter_reason::worker_unavailable, 2);         // 52
    auto settled = open(dead_letter_reason::staleness_timeout, 60);
    update_dead_letter_unit update;
    update.id = settled;
    update.status = resolution_status::permanently_failed;
    update.now = now - std::chrono::minutes{40};
    REQUIRE(f.ask<unit_done>(update));

    auto queue = f.ask<investigation_queue_reply>(investigation_queue_unit{now, 100});
    REQUIRE(queue);
    std::vector<uuid> order;
    for (auto& one : queue->rows)
      order.push_back(one.row.letter.id);
    CHECK(order == std::vector<uuid>{cycle, manual, retries, stale, lost});
    auto& first = queue->rows[0];
    CHECK(first.priority_score == doctest::Approx(1001));
    CHECK(first.minutes_in_dlq == doctest::Approx(1));
    CHECK(first.minutes_in_state == doctest::Approx((1'763'060'000 - 1'763'000'002) / 60.0));
    CHECK(first.namespace_name == "shop");
    CHECK(first.task_name == "order");
    CHECK(first.current_state == task_state::steps_in_process);
    CHECK(f.ask<investigation_queue_reply>(investigation_queue_unit{now, 2})->rows.size() == 2);

    auto stats = f.ask<dead_letter_stats_reply>(dead_letter_stats_unit{now});
    REQUIRE(stats->rows.size() == 5);
    auto& staleness = stats->rows[0];
    CHECK(staleness.reason == dead_letter_reason::staleness_timeout);
    CHECK(staleness.total == 2);
    CHECK(staleness.pending == 1);
    CHECK(staleness.permanently_failed == 1);
    CHECK(staleness.manually_resolved == 0);
    CHECK(staleness.oldest == now - std::chrono::minutes{60});
    CHECK(staleness.newest == now - std::chrono::minutes{30});
    CHECK(staleness.average_resolution_minutes == doctest::Approx(25)); // 20 until it was settled, 30 until now
  }

  TEST_CASE("open tasks that run or wait, those nearest to their deadline first") {
    pool_fixture f;
    auto shop = f.ask<put_template_reply>(some_template())->id;
    auto with = [&](task_state state, std::optional<timestamp> deadline) {
      auto id = make_task(f, shop);
      auto turn = turn_of(id, 0, {});
      turn.record.state = state;
      turn.record.deadline_at = deadline;
      turn.record.due_at = at_second(1'763'000'100);
      REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
      return id;
    };
    auto never = with(task_state::steps_in_process, {});
    auto late = with(task_state::waiting_for_retry, at_second(1'763'002'000));
    auto soon = with(task_state::waiting_for_dependencies, at_second(1'763'001'000));
    with(task_state::blocked_by_failures, at_second(1'763'000'500));
    with(task_state::complete, at_second(1'763'000'500));
    auto rows = f.ask<staleness_reply>(staleness_unit{at_second(1'763'000'050), 10})->rows;
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].task == soon);
    CHECK(rows[0].namespace_name == "shop");
    CHECK(rows[0].task_name == "order");
    CHECK(rows[0].state == task_state::waiting_for_dependencies);
    CHECK(rows[0].priority == -7);
    CHECK(rows[0].deadline_at == at_second(1'763'001'000));
    CHECK(rows[1].task == late);
    CHECK(rows[1].state == task_state::waiting_for_retry);
    CHECK(rows[2].task == never);
    CHECK_FALSE(rows[2].deadline_at);
    rows = f.ask<staleness_reply>(staleness_unit{at_second(1'763'000'100), 2})->rows;
    CHECK(rows.size() == 2);
    CHECK(rows[1].state == task_state::steps_in_process); // its retry is due
  }

} // TEST_SUITE
