#include "tests/db/pool_fixture.hpp"

#include <algorithm>

using namespace geartrain;
using namespace geartrain::test;

namespace {

put_template_unit template_of(const std::string& digest, const std::string& version = "1.0.0") {
  return {"shop", "order", version, digest, R"({"d":")" + digest + "\"}"};
}

lease lease_of(const task_id& id, std::uint16_t number, std::uint64_t nonce, std::int64_t second) {
  lease held;
  held.token.step = make_step_id(id, number);
  held.token.attempt = 1;
  held.token.epoch = 0xffffffffU;
  held.token.nonce = nonce;
  held.token.expires_at = at_second(second + 30);
  held.worker = "worker-9";
  held.claimed_at = at_second(second);
  held.expires_at = at_second(second + 60);
  return held;
}

std::vector<task_id> ids_of(const open_tasks_reply& page) {
  std::vector<task_id> ids;
  for (auto& one : page.tasks)
    ids.push_back(one.id);
  return ids;
}

} // namespace

TEST_SUITE("operations") {
  TEST_CASE("a created task comes back as it was given") {
    pool_fixture f;
    auto id = new_task_id();
    auto unit = creation(id, identity_of(1), 42);
    auto created = f.ask<create_task_reply>(unit);
    REQUIRE(created);
    CHECK(created->created);
    auto loaded = f.ask<task_rows_ptr>(load_task_unit{id});
    REQUIRE(loaded);
    auto& head = (*loaded)->head;
    CHECK(head.id == id);
    CHECK(head.template_id == 42);
    CHECK(head.state == task_state::steps_in_process);
    CHECK(head.version == 0);
    CHECK(head.steps_total == 4);
    CHECK(head.created_at == unit.now);
    CHECK(head.updated_at == unit.now);
    CHECK_FALSE(head.completed_at);
    CHECK_FALSE(head.due_at);
    auto& input = (*loaded)->input;
    CHECK(input.context == unit.input->context);
    CHECK(input.initiator == unit.input->initiator);
    CHECK(input.source_system == unit.input->source_system);
    CHECK(input.reason == unit.input->reason);
    CHECK(input.tags == unit.input->tags);
    CHECK(input.correlation_id == unit.input->correlation_id);
    CHECK_FALSE(input.parent_correlation_id);
    CHECK(input.priority == -7);
    CHECK(input.requested_at == unit.input->requested_at);
    CHECK((*loaded)->attempts.empty());
    CHECK((*loaded)->claims.empty());
    CHECK(f.database().number("SELECT partition FROM geartrain.tasks") == partition_of(id));
  }

  TEST_CASE("an equal identity names its holder, a repeated creation counts as done") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id, identity_of(1)))->created);
    CHECK(f.ask<create_task_reply>(creation(id, identity_of(1)))->created);
    auto refused = f.ask<create_task_reply>(creation(new_task_id(), identity_of(1)));
    REQUIRE(refused);
    CHECK_FALSE(refused->created);
    CHECK(refused->existing == id);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 1);
    auto anonymous = new_task_id();
    CHECK(f.ask<create_task_reply>(creation(anonymous))->created);
    CHECK(f.ask<create_task_reply>(creation(anonymous))->created);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.task_inputs") == 2);
  }

  TEST_CASE("a committed turn moves the head row and appends its outcomes") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    auto turn = turn_of(id, 0, {success(2), success(1)});
    turn.record.appended.outcomes[0].outcome = attempt_outcome::retryable_failure;
    turn.record.appended.outcomes[0].result = {};
    turn.record.appended.outcomes[0].error = json_text{R"({"type":"boom"})"};
    turn.record.appended.outcomes[0].metadata = {};
    turn.record.appended.outcomes[0].execution_time_ms.reset();
    turn.record.appended.outcomes[0].next_attempt_at = at_second(1'763'000'100);
    turn.record.state = task_state::waiting_for_retry;
    turn.record.due_at = at_second(1'763'000'100);
    REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
    auto loaded = f.ask<task_rows_ptr>(load_task_unit{id});
    REQUIRE(loaded);
    auto& task = **loaded;
    CHECK(task.head.version == 1);
    CHECK(task.head.state == task_state::waiting_for_retry);
    CHECK(task.head.due_at == at_second(1'763'000'100));
    CHECK(task.head.updated_at == turn.record.now);
    REQUIRE(task.attempts.size() == 2);
    CHECK(task.attempts[0].number == 1);
    CHECK(task.attempts[0].outcome == attempt_outcome::success);
    CHECK(task.attempts[0].lease_nonce == 0xfedcba9876543210ULL);
    CHECK(task.attempts[0].result.view() == R"({"ok":true})");
    CHECK(task.attempts[0].metadata.view() == R"({"m":1})");
    CHECK(task.attempts[0].execution_time_ms == 1000);
    CHECK(task.attempts[0].claimed_at == at_second(1'763'000'003));
    CHECK(task.attempts[0].finished_at == at_second(1'763'000'004));
    CHECK(task.attempts[0].worker == "worker-1");
    CHECK_FALSE(task.attempts[0].error);
    CHECK(task.attempts[1].number == 2);
    CHECK_FALSE(task.attempts[1].result);
    CHECK_FALSE(task.attempts[1].metadata);
    CHECK_FALSE(task.attempts[1].execution_time_ms);
    CHECK(task.attempts[1].error.view() == R"({"type":"boom"})");
    CHECK(task.attempts[1].next_attempt_at == at_second(1'763'000'100));
  }

  TEST_CASE("a turn with an outdated version, of a closed or an unknown task writes nothing") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    CHECK_FALSE(f.ask<commit_turn_reply>(turn_of(id, 1, {success(1)}))->committed);
    auto last = turn_of(id, 0, {success(1)});
    last.record.state = task_state::complete;
    last.record.completed_at = last.record.now;
    CHECK(f.ask<commit_turn_reply>(last)->committed);
    CHECK_FALSE(f.ask<commit_turn_reply>(turn_of(id, 0, {success(2)}))->committed);
    CHECK_FALSE(f.ask<commit_turn_reply>(turn_of(id, 1, {success(2)}))->committed);
    CHECK_FALSE(f.ask<commit_turn_reply>(turn_of(new_task_id(), 0, {success(2)}))->committed);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.attempts") == 1);
    CHECK(f.database().value("SELECT completed_at FROM geartrain.tasks") == "2025-11-13 02:13:25+00");
  }

  TEST_CASE("a turn without outcomes only moves the head row") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    CHECK(f.ask<commit_turn_reply>(turn_of(id, 0, {}))->committed);
    CHECK(f.ask<task_rows_ptr>(load_task_unit{id}).operator*()->head.version == 1);
  }

  TEST_CASE("an unknown task is not found") {
    pool_fixture f;
    auto loaded = f.ask<task_rows_ptr>(load_task_unit{new_task_id()});
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == errc::not_found);
  }

  TEST_CASE("claims are recorded, extended and released; those of ended attempts are not shown") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    auto rows = [&] { return *f.ask<task_rows_ptr>(load_task_unit{id}); };
    sync_claims_unit both{{lease_of(id, 1, 11, 100), lease_of(id, 2, 0xffffffffffffffffULL, 100)}, {}};
    CHECK(f.ask<unit_done>(both)->rows == 2);
    auto claims = rows()->claims;
    REQUIRE(claims.size() == 2);
    CHECK(claims[1].number == 2);
    CHECK(claims[1].attempt == 1);
    CHECK(claims[1].epoch == 0xffffffffU);
    CHECK(claims[1].lease_nonce == 0xffffffffffffffffULL);
    CHECK(claims[1].worker == "worker-9");
    CHECK(claims[1].claimed_at == at_second(100));
    CHECK(claims[1].token_expires_at == at_second(130));
    CHECK(claims[1].expires_at == at_second(160));

    auto extended = lease_of(id, 1, 11, 100);
    extended.expires_at = at_second(190);
    REQUIRE(f.ask<unit_done>(sync_claims_unit{{extended}, {}}));
    CHECK(rows()->claims[0].expires_at == at_second(190));

    auto stranger = lease_of(id, 1, 12, 90).token;
    REQUIRE(f.ask<unit_done>(sync_claims_unit{{lease_of(id, 1, 10, 90)}, {}})); // older than what is there
    REQUIRE(f.ask<unit_done>(sync_claims_unit{{}, {stranger}}));                // not the one that is there
    CHECK(rows()->claims[0].lease_nonce == 11);

    REQUIRE(f.ask<unit_done>(sync_claims_unit{{lease_of(id, 1, 13, 200)}, {extended.token}})); // handed out anew
    CHECK(rows()->claims[0].lease_nonce == 13);
    REQUIRE(f.ask<unit_done>(sync_claims_unit{{}, {lease_of(id, 1, 13, 200).token}}));
    CHECK(rows()->claims.size() == 1);

    REQUIRE(f.ask<commit_turn_reply>(turn_of(id, 0, {success(2)}))->committed);
    CHECK(rows()->claims.empty());
  }

  TEST_CASE("refused reports are kept") {
    pool_fixture f;
    refused_report report{lease_of(new_task_id(), 3, 5, 1).token, "late", true, at_second(7)};
    CHECK(f.ask<unit_done>(record_refused_unit{{report, report}})->rows == 2);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.refused_reports WHERE step = 3 AND lease_nonce = 5 AND "
                              "worker = 'late' AND success AND epoch = 4294967295") == 2);
  }

  TEST_CASE("the greatest activation of a version is its current revision") {
    pool_fixture f;
    auto a = f.ask<put_template_reply>(template_of("aa"));
    REQUIRE(a);
    CHECK(a->new_version);
    CHECK(a->changed);
    auto again = f.ask<put_template_reply>(template_of("aa"));
    CHECK_FALSE(again->new_version);
    CHECK_FALSE(again->changed);
    CHECK(again->id == a->id);
    CHECK(again->activation == a->activation);
    auto b = f.ask<put_template_reply>(template_of("bb"));
    CHECK_FALSE(b->new_version);
    CHECK(b->changed);
    CHECK(b->activation > a->activation);
    auto back = f.ask<put_template_reply>(template_of("aa"));
    CHECK_FALSE(back->new_version);
    CHECK(back->changed);
    CHECK(back->id == a->id);
    CHECK(back->activation > b->activation);
    CHECK(f.ask<put_template_reply>(template_of("aa", "2.0.0"))->new_version);

    auto all = f.ask<fetch_templates_reply>(fetch_templates_unit{});
    REQUIRE(all->rows.size() == 3);
    CHECK(all->rows[0].id == b->id);
    CHECK(all->rows[1].id == a->id);
    CHECK(all->rows[1].document == R"({"d":"aa"})");
    CHECK(f.ask<fetch_templates_reply>(fetch_templates_unit{b->activation, {}})->rows.size() == 2);
    auto one = f.ask<fetch_templates_reply>(fetch_templates_unit{0, b->id});
    REQUIRE(one->rows.size() == 1);
    CHECK(one->rows[0].activation == b->activation);
  }

  TEST_CASE("concurrent registrations of one version agree on who was first") {
    pool_fixture f{db_config{.dsn = {}, .connections = 4}};
    std::vector<put_template_unit> units;
    for (int i = 0; i < 40; ++i)
      units.push_back(template_of("d" + std::to_string(i)));
    auto answers = f.ask_all<put_template_reply>(units);
    CHECK(std::count_if(answers.begin(), answers.end(), [](auto& a) { return a->new_version; }) == 1);
    CHECK(std::all_of(answers.begin(), answers.end(), [](auto& a) { return a->changed; }));
  }

  TEST_CASE("open tasks come in pages, by partition, without the closed ones") {
    pool_fixture f;
    std::vector<task_id> ids;
    std::vector<create_task_unit> units;
    for (int i = 0; i < 30; ++i) {
      ids.push_back(new_task_id(1'763'000'000 + i));
      units.push_back(creation(ids.back()));
    }
    f.ask_all<create_task_reply>(units);
    auto closing = turn_of(ids[3], 0, {});
    closing.record.state = task_state::error;
    REQUIRE(f.ask<commit_turn_reply>(closing)->committed);
    ids.erase(ids.begin() + 3);
    std::sort(ids.begin(), ids.end());

    std::vector<std::int16_t> all_partitions;
    for (std::int16_t p = 0; p < partition_count; ++p)
      all_partitions.push_back(p);
    auto first = f.ask<open_tasks_reply>(open_tasks_unit{all_partitions, {}, 20});
    REQUIRE(first->tasks.size() == 20);
    auto second = f.ask<open_tasks_reply>(open_tasks_unit{all_partitions, first->tasks.back().id, 20});
    auto joined = ids_of(*first);
    for (auto& id : ids_of(*second))
      joined.push_back(id);
    CHECK(joined == ids);
    auto some = f.ask<open_tasks_reply>(open_tasks_unit{{static_cast<std::int16_t>(partition_of(ids[0]))}, {}, 100});
    auto found = ids_of(*some);
    for (auto& id : found)
      CHECK(partition_of(id) == partition_of(ids[0]));
    CHECK(std::count(found.begin(), found.end(), ids[0]) == 1);
  }

  TEST_CASE("a page of open tasks says until when the sleeping ones sleep") {
    pool_fixture f;
    auto ids = std::array{new_task_id(1'763'000'001), new_task_id(1'763'000'002), new_task_id(1'763'000'003)};
    auto delayed = creation(ids[0], {}, 42);
    delayed.state = task_state::pending;
    delayed.due_at = at_second(1'763'000'900);
    REQUIRE(f.ask<create_task_reply>(delayed)->created);
    REQUIRE(f.ask<create_task_reply>(creation(ids[1]))->created);
    REQUIRE(f.ask<create_task_reply>(creation(ids[2]))->created);
    auto retrying = turn_of(ids[2], 0, {});
    retrying.record.state = task_state::waiting_for_retry;
    retrying.record.due_at = at_second(1'763'000'500);
    REQUIRE(f.ask<commit_turn_reply>(retrying)->committed);
    std::vector<std::int16_t> all;
    for (std::int16_t p = 0; p < partition_count; ++p)
      all.push_back(p);
    auto page = f.ask<open_tasks_reply>(open_tasks_unit{all, {}, 20})->tasks;
    REQUIRE(page.size() == 3);
    CHECK(page[0].template_id == 42);
    CHECK(page[0].wakes_at == delayed.due_at);
    CHECK_FALSE(page[1].wakes_at);
    CHECK(page[2].wakes_at == retrying.record.due_at);
  }

  TEST_CASE("listings filter, count and page") {
    pool_fixture f;
    auto shop = f.ask<put_template_reply>(template_of("aa"))->id;
    std::vector<task_id> ids;
    for (int i = 0; i < 6; ++i) {
      ids.insert(ids.begin(), new_task_id(1'763'000'000 + i)); // newest first
      auto unit = creation(ids.front(), {}, i % 2 == 0 ? shop : shop + 1000);
      auto input = sample_input();
      input.initiator = i < 2 ? "ann" : "bob";
      input.source_system = i == 5 ? "crm" : "web";
      unit.input = input_snapshot{input};
      REQUIRE(f.ask<create_task_reply>(unit));
    }
    auto waiting = turn_of(ids[0], 0, {success(1)});
    waiting.record.state = task_state::waiting_for_retry;
    waiting.record.due_at = at_second(1'763'000'500);
    REQUIRE(f.ask<commit_turn_reply>(waiting)->committed);

    auto list = [&](list_tasks_unit unit) {
      auto reply = f.ask<list_tasks_reply>(std::move(unit));
      REQUIRE(reply);
      std::vector<task_id> found;
      for (auto& task : reply->tasks)
        found.push_back(task->head.id);
      return std::pair{found, reply->total_count};
    };
    using answer = std::pair<std::vector<task_id>, std::uint64_t>;
    auto now = at_second(1'763'000'400);
    auto unit = [&] {
      list_tasks_unit u;
      u.now = now;
      return u;
    };
    CHECK(list(unit()) == answer{ids, 6});
    auto page = unit();
    page.limit = 2;
    page.offset = 3;
    CHECK(list(page) == answer{{ids[3], ids[4]}, 6});
    auto keyset = unit();
    keyset.limit = 2;
    keyset.before = ids[1];
    CHECK(list(keyset) == answer{{ids[2], ids[3]}, 6});
    auto in_shop = unit();
    in_shop.namespace_name = "shop";
    CHECK(list(in_shop) == answer{{ids[1], ids[3], ids[5]}, 3});
    auto by_ann = unit();
    by_ann.initiator = "ann";
    CHECK(list(by_ann) == answer{{ids[4], ids[5]}, 2});
    auto from_crm = unit();
    from_crm.initiator = "bob";
    from_crm.source_system = "crm";
    CHECK(list(from_crm) == answer{{ids[0]}, 1});
    auto retrying = unit();
    retrying.state = task_state::waiting_for_retry;
    CHECK(list(retrying) == answer{{ids[0]}, 1});
    retrying.now = at_second(1'763'000'500);
    CHECK(list(retrying) == answer{{}, 0});
    auto running = retrying;
    running.state = task_state::steps_in_process;
    CHECK(list(running) == answer{ids, 6});
    auto nothing = unit();
    nothing.namespace_name = "none";
    CHECK(list(nothing) == answer{{}, 0});
    CHECK(f.ask<list_tasks_reply>(unit())->tasks[0]->attempts.size() == 1);
  }

  TEST_CASE("housekeeping makes partitions and forgets claims that nobody needs") {
    test_database database;
    auto claim = [&](const std::string& id, const std::string& expires) {
      database.query("INSERT INTO geartrain.claims VALUES ($1, 1, 1, 1, 1, now(), now(), $2::timestamptz, 'w', 0)",
                     {id, expires});
    };
    auto open = to_string(new_task_id());
    auto ended = to_string(new_task_id());
    database.query(
      "INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, steps_total, partition, state, "
      "priority)"
      " SELECT unnest($1::uuid[]), 1, now(), now(), 1, 0, 3, 0",
      {"{" + open + "," + ended + "}"});
    database.query("INSERT INTO geartrain.attempts VALUES ($1, 1, 1, 1, 1, 1, now(), now(), NULL, NULL, 'w', "
                   "NULL, NULL, NULL, 0)",
                   {ended});
    claim(open, "2020-01-01");
    claim(ended, "2020-01-01");
    claim(to_string(new_task_id()), "2020-01-01");
    claim(to_string(new_task_id()), "infinity");
    database.query("DROP TABLE geartrain.attempts_" +
                   database.value("SELECT to_char(date_trunc('week', now() AT TIME ZONE 'UTC'), 'YYYYMMDD')"));
    db_config config;
    config.housekeeping_every = milliseconds{50};
    pool_fixture f{database, config};
    CHECK(eventually([&] { return f.figures(db_operation::housekeeping).execution_us.count >= 2; }));
    CHECK(database.number("SELECT count(*) FROM geartrain.claims") == 2);
    CHECK(database.number("SELECT count(*) FROM geartrain.claims WHERE task_id = $1", {open}) == 1);
    CHECK(database.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'geartrain.attempts'::regclass") == 3);
  }

} // TEST_SUITE
