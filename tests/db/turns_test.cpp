#include "tests/db/pool_fixture.hpp"

using namespace geartrain;
using namespace geartrain::test;

namespace {

task_fact fact_of(fact_kind kind, std::uint16_t number) {
  task_fact f;
  f.kind = kind;
  f.number = number;
  f.at = at_second(1'763'000'010);
  return f;
}

dead_letter letter_of(const uuid& id) {
  dead_letter letter;
  letter.id = id;
  letter.reason = dead_letter_reason::max_retries_exceeded;
  letter.original_state = task_state::blocked_by_failures;
  letter.at = at_second(1'763'000'011);
  letter.task_snapshot = json_text{R"({"task_uuid":"x"})"};
  return letter;
}

task_rows_ptr load(pool_fixture& f, const task_id& id) {
  auto loaded = f.ask<task_rows_ptr>(load_task_unit{id});
  REQUIRE(loaded);
  return *loaded;
}

} // namespace

TEST_SUITE("turns") {
  TEST_CASE("everything that a turn appends comes back") {
    pool_fixture f;
    auto shop = f.ask<put_template_reply>(some_template())->id;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id, {}, shop)));
    auto turn = turn_of(id, 0, {success(1)});
    auto& r = turn.record;
    r.steps_total = 9;
    r.paused = true;
    r.state_since = at_second(1'763'000'020);
    r.deadline_at = at_second(1'763'009'000);
    auto decided = fact_of(fact_kind::decided, 1);
    decided.data = json_text{R"({"steps":["b"]})"};
    auto reset = fact_of(fact_kind::step_reset, 2);
    reset.who = "ann";
    reset.reason = "once more";
    reset.from = step_state::error;
    reset.to = step_state::pending;
    r.appended.facts = {decided, reset};
    step_checkpoint kept{3, 2, 77, true, 4, at_second(1'763'000'012), json_text{R"({"cursor":5})"}};
    auto older = kept;
    older.lease_nonce = 76;
    r.appended.checkpoints = {older, kept};
    r.appended.dead_letters = {letter_of(new_task_id())};
    domain_event event{1, "order.paid", delivery_mode::durable, at_second(1'763'000'013), json_text{"{\"n\":1}"}};
    auto loud = event;
    loud.name = "order.loud";
    loud.delivery = delivery_mode::broadcast;
    auto fast = event;
    fast.delivery = delivery_mode::fast;
    r.appended.events = {event, fast, loud};
    REQUIRE(f.ask<commit_turn_reply>(turn)->committed);

    auto task = load(f, id);
    CHECK(task->head.steps_total == 9);
    CHECK(task->head.paused);
    CHECK(task->head.state_since == at_second(1'763'000'020));
    CHECK(task->head.deadline_at == at_second(1'763'009'000));
    REQUIRE(task->attempts.size() == 1);
    CHECK(task->attempts[0].version == 1);
    REQUIRE(task->facts.size() == 2);
    CHECK(task->facts[0].kind == fact_kind::decided);
    CHECK(task->facts[0].number == 1);
    CHECK(task->facts[0].version == 1);
    CHECK(task->facts[0].data == decided.data);
    CHECK(task->facts[0].who.empty());
    CHECK_FALSE(task->facts[0].from);
    CHECK(task->facts[1].who == "ann");
    CHECK(task->facts[1].reason == "once more");
    CHECK(task->facts[1].from == step_state::error);
    CHECK(task->facts[1].to == step_state::pending);
    CHECK(task->facts[1].at == reset.at);
    CHECK_FALSE(task->facts[1].data);
    REQUIRE(task->checkpoints.size() == 1);
    CHECK(task->checkpoints[0].number == 3);
    CHECK(task->checkpoints[0].attempt == 2);
    CHECK(task->checkpoints[0].lease_nonce == 77);
    CHECK(task->checkpoints[0].yielded);
    CHECK(task->checkpoints[0].yields == 4);
    CHECK(task->checkpoints[0].at == kept.at);
    CHECK(task->checkpoints[0].data == kept.data);
    CHECK(f.database().query("SELECT task_id::text, reason, original_state, status FROM geartrain.dead_letters") ==
          std::vector<test_database::row>{{to_string(id), "2", "7", "1"}});
    auto events = f.ask<read_events_reply>(read_events_unit{});
    REQUIRE(events);
    REQUIRE(events->events.size() == 2);
    CHECK(events->events[0].task == id);
    CHECK(events->events[0].namespace_name == "shop");
    CHECK(events->events[0].event.number == 1);
    CHECK(events->events[0].event.name == "order.paid");
    CHECK(events->events[0].event.delivery == delivery_mode::durable);
    CHECK(events->events[0].event.at == event.at);
    CHECK(events->events[0].event.payload == event.payload);
    CHECK(events->events[1].event.name == "order.loud");
    CHECK(events->events[1].position > events->events[0].position);
  }

  TEST_CASE("turns with and without additions share a batch; a loser of the swap adds nothing") {
    pool_fixture f{one_connection()};
    auto plain = new_task_id();
    auto full = new_task_id();
    auto loser = new_task_id();
    for (auto& id : {plain, full, loser})
      REQUIRE(f.ask<create_task_reply>(creation(id)));
    auto with_all = [](const task_id& id, std::int32_t version) {
      auto turn = turn_of(id, version, {success(static_cast<std::uint16_t>(version + 1))});
      turn.record.appended.facts = {fact_of(fact_kind::task_paused, 0)};
      turn.record.appended.checkpoints = {{2, 1, 5, false, 0, at_second(1), json_text{"{}"}}};
      turn.record.appended.dead_letters = {letter_of(new_task_id())};
      return turn;
    };
    auto answers =
      f.ask_all<commit_turn_reply>(std::vector{turn_of(plain, 0, {success(1)}), with_all(full, 0), with_all(loser, 7)});
    CHECK(answers[0]->committed);
    CHECK(answers[1]->committed);
    CHECK_FALSE(answers[2]->committed);
    CHECK(load(f, plain)->facts.empty());
    CHECK(load(f, full)->facts.size() == 1);
    CHECK(load(f, full)->checkpoints.size() == 1);
    CHECK(load(f, loser)->facts.empty());
    CHECK(load(f, loser)->checkpoints.empty());
    CHECK(f.database().number("SELECT count(*) FROM geartrain.dead_letters") == 1);
    REQUIRE(f.ask<commit_turn_reply>(with_all(full, 1))->committed); // the case is pending: it stays the only one
    CHECK(f.database().number("SELECT count(*) FROM geartrain.dead_letters") == 1);
    CHECK(load(f, full)->facts.back().version == 2);
  }

  TEST_CASE("turns that change nothing of the head row leave it alone, and are read back with it") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    REQUIRE(f.ask<commit_turn_reply>(appending(turn_of(id, 0, {success(1)})))->committed);
    REQUIRE(f.ask<commit_turn_reply>(appending(turn_of(id, 1, {success(2), success(3)})))->committed);
    CHECK(load(f, id)->version == 2);
    CHECK(load(f, id)->head.version == 0);
    auto last = turn_of(id, 2, {success(4)});
    CHECK_FALSE(f.ask<commit_turn_reply>(last)->committed); // it takes the row for one that turn 2 has written
    last.record.head_version = 0;
    CHECK(f.ask<commit_turn_reply>(last)->committed);
    CHECK(load(f, id)->version == 3);
    CHECK(load(f, id)->head.version == 3);
    CHECK(load(f, id)->attempts.size() == 4);
  }

  TEST_CASE("a turn without an outcome takes its version, too") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    REQUIRE(f.ask<commit_turn_reply>(turn_of(id, 0, {}))->committed);
    CHECK_FALSE(f.ask<commit_turn_reply>(appending(turn_of(id, 0, {success(1)})))->committed);
    CHECK(load(f, id)->version == 1);
    CHECK(load(f, id)->attempts.empty());
    CHECK(f.ask<commit_turn_reply>(appending(turn_of(id, 1, {success(1)})))->committed);
  }

  TEST_CASE("a task in error can be revived, or acted on and stay; the other ends are for ever") {
    pool_fixture f;
    auto ended_in = [&](task_state state) {
      auto id = new_task_id();
      REQUIRE(f.ask<create_task_reply>(creation(id)));
      auto turn = turn_of(id, 0, {});
      turn.record.state = state;
      turn.record.completed_at = turn.record.now;
      REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
      return id;
    };
    auto next = [&](const task_id& id, std::int32_t version, task_state state, bool with_fact) {
      auto turn = turn_of(id, version, {});
      turn.record.state = state;
      if (with_fact)
        turn.record.appended.facts = {fact_of(fact_kind::step_resolved, 1)};
      return f.ask<commit_turn_reply>(turn)->committed;
    };
    for (auto state : {task_state::complete, task_state::cancelled, task_state::resolved_manually}) {
      auto id = ended_in(state);
      CHECK_FALSE(next(id, 1, task_state::steps_in_process, false));
      CHECK_FALSE(next(id, 1, task_state::error, true));
    }
    auto id = ended_in(task_state::error);
    CHECK_FALSE(next(id, 0, task_state::steps_in_process, true));
    CHECK_FALSE(next(id, 1, task_state::complete, false));
    CHECK_FALSE(next(id, 1, task_state::steps_in_process, false)); // only an act does that
    CHECK(next(id, 1, task_state::error, true));
    CHECK(next(id, 2, task_state::steps_in_process, true));
    CHECK_FALSE(load(f, id)->head.completed_at);
    CHECK(next(id, 3, task_state::error, false));
    CHECK(next(id, 4, task_state::complete, true));
  }

  TEST_CASE("a claim whose lease came back with a checkpoint has ended") {
    pool_fixture f;
    auto id = new_task_id();
    REQUIRE(f.ask<create_task_reply>(creation(id)));
    auto held = [&](std::uint16_t number, std::uint64_t nonce, std::uint16_t yields) {
      lease one;
      one.token = {make_step_id(id, number), 1, yields, 1, nonce, at_second(40)};
      one.worker = "w";
      one.claimed_at = at_second(10);
      one.expires_at = at_second(70);
      return one;
    };
    REQUIRE(f.ask<unit_done>(sync_claims_unit{{held(1, 11, 0), held(2, 22, 0), held(3, 33, 1)}, {}}));
    auto turn = turn_of(id, 0, {});
    turn.record.appended.checkpoints = {{1, 1, 11, true, 1, at_second(20), {}},  // given back
                                        {2, 1, 22, false, 0, at_second(20), {}}, // goes on
                                        {3, 1, 32, true, 1, at_second(20), {}}}; // handed out anew since
    REQUIRE(f.ask<commit_turn_reply>(turn)->committed);
    auto claims = load(f, id)->claims;
    REQUIRE(claims.size() == 2);
    CHECK(claims[0].number == 2);
    CHECK(claims[1].number == 3);
  }

} // TEST_SUITE

TEST_SUITE("creations") {
  TEST_CASE("what a creation says about time is kept") {
    pool_fixture f;
    auto unit = creation(new_task_id());
    auto input = sample_input();
    input.start_at = at_second(1'763'100'000);
    unit.input = input_snapshot{input};
    unit.due_at = input.start_at;
    unit.deadline_at = at_second(1'763'200'000);
    REQUIRE(f.ask<create_task_reply>(unit)->created);
    auto task = load(f, unit.id);
    CHECK(task->head.due_at == unit.due_at);
    CHECK(task->head.deadline_at == unit.deadline_at);
    CHECK(task->head.state_since == unit.now);
    CHECK_FALSE(task->head.paused);
    CHECK(task->input.start_at == input.start_at);
  }

  TEST_CASE("an identity that has expired is taken over") {
    pool_fixture f;
    auto first = creation(new_task_id(), identity_of(1));
    first.identity_expires_at = first.now + std::chrono::hours{1};
    REQUIRE(f.ask<create_task_reply>(first)->created);
    auto early = creation(new_task_id(), identity_of(1));
    early.now = *first.identity_expires_at - std::chrono::seconds{1};
    CHECK(f.ask<create_task_reply>(early)->existing == first.id);
    auto later = creation(new_task_id(), identity_of(1));
    later.now = *first.identity_expires_at;
    CHECK(f.ask<create_task_reply>(later)->created);
    CHECK(f.ask<create_task_reply>(later)->created); // the same unit again
    auto third = creation(new_task_id(), identity_of(1));
    third.now = later.now + std::chrono::hours{1000};
    CHECK(f.ask<create_task_reply>(third)->existing == later.id); // that one never expires
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 2);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.identities") == 1);
  }

  TEST_CASE("a request of the inbox becomes one task") {
    pool_fixture f{db_config{.dsn = {}, .connections = 4}};
    auto ask_for_one = [&] {
      return *parse_uuid(f.database().value(R"(SELECT geartrain.create_task('shop', 'order', context => '{"n": 1}'))"));
    };
    auto waiting = [&] { return f.database().number("SELECT count(*) FROM geartrain.task_requests"); };
    auto unit_for = [](const uuid& request, std::optional<std::string> identity = {}) {
      auto unit = creation(new_task_id(), std::move(identity));
      unit.inbox_request = request;
      return unit;
    };
    auto request = ask_for_one();
    auto unit = unit_for(request);
    CHECK(f.ask<create_task_reply>(unit)->created);
    CHECK(waiting() == 0);
    CHECK(f.ask<create_task_reply>(unit)->created); // an earlier try of the same unit had done it
    auto late = f.ask<create_task_reply>(unit_for(request));
    CHECK_FALSE(late->created);
    CHECK(late->existing.is_nil());
    auto late_with_identity = f.ask<create_task_reply>(unit_for(request, identity_of(5)));
    CHECK_FALSE(late_with_identity->created);
    CHECK(late_with_identity->existing.is_nil());

    auto named = unit_for(ask_for_one(), identity_of(7));
    CHECK(f.ask<create_task_reply>(named)->created);
    CHECK(f.ask<create_task_reply>(named)->created);
    auto duplicate = f.ask<create_task_reply>(unit_for(ask_for_one(), identity_of(7)));
    CHECK_FALSE(duplicate->created);
    CHECK(duplicate->existing == named.id);
    CHECK(waiting() == 0);

    auto contested = ask_for_one();
    std::vector<create_task_unit> rivals;
    for (int i = 0; i < 12; ++i)
      rivals.push_back(unit_for(contested));
    auto answers = f.ask_all<create_task_reply>(rivals);
    int won = 0;
    for (auto& answer : answers) {
      REQUIRE(answer);
      won += answer->created ? 1 : 0;
      CHECK(answer->existing.is_nil());
    }
    CHECK(won == 1);
    CHECK(f.database().number("SELECT count(*) FROM geartrain.tasks") == 3);
  }

} // TEST_SUITE
