#include "tests/actor/sim.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace geartrain;
using namespace geartrain::sim;

namespace {

using keys = std::vector<std::optional<std::string>>;

task_id id_of(const creation_outcome& outcome) {
  if (auto* made = std::get_if<accepted_task>(&outcome))
    return made->id;
  return std::get<duplicate_task>(outcome).existing;
}

} // namespace

TEST_CASE("many creations are one write, and every task goes on as one created by itself") {
  world w{samples::linear(2)};
  auto answer = w.create_all(keys(50));
  w.run();
  REQUIRE(answer.answered());
  REQUIRE(answer.answer()->size() == 50);
  CHECK(w.rows->creates == 1);
  CHECK(w.rows->tasks.size() == 50);
  std::vector<task_id> ids;
  for (auto& outcome : *answer.answer())
    ids.push_back(std::get<accepted_task>(outcome).id);
  CHECK(std::is_sorted(ids.begin(), ids.end())); // newest last, as if they had been created one after the other
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  for (int step = 1; step <= 2; ++step) {
    auto leased = w.poll();
    REQUIRE(leased.size() == 50);
    for (auto& one : leased)
      CHECK(w.finish(one) == report_status::accepted);
  }
  CHECK(w.rows->loads == 0); // they were resident
  for (auto& id : ids)
    CHECK(w.rows->tasks[id].head.state == task_state::complete);
}

TEST_CASE("of equal identities in a call the first counts, and each item has its own outcome") {
  world w{samples::linear(1)};
  auto before = w.create("taken");
  w.run();
  auto existing = std::get<task_created>(*before.answer()).task->id;
  pending<std::vector<creation_outcome>> answer;
  create_tasks_request asked{{}, answer.done()};
  for (auto key : {"a", "taken", "a", "taken", "b"})
    asked.tasks.push_back(sample_creation(key));
  asked.tasks.push_back(sample_creation("c"));
  asked.tasks.back().name = "nowhere";
  asked.tasks.push_back(sample_creation(std::nullopt));
  asked.tasks.back().identity = identity_strategy::caller_provided;
  caf::anon_send(w.shared->actors->intake(0), std::move(asked));
  w.run();
  REQUIRE(answer.answered());
  auto& outcomes = *answer.answer();
  REQUIRE(outcomes.size() == 7);
  CHECK(std::holds_alternative<accepted_task>(outcomes[0]));
  CHECK(std::get<duplicate_task>(outcomes[1]).existing == existing);
  CHECK(std::get<duplicate_task>(outcomes[2]).existing == id_of(outcomes[0]));
  CHECK(std::get<duplicate_task>(outcomes[3]).existing == existing);
  CHECK(std::holds_alternative<accepted_task>(outcomes[4]));
  CHECK(std::get<failure>(outcomes[5]).code == errc::not_found);
  CHECK(std::get<failure>(outcomes[6]).code == errc::invalid);
  CHECK(w.rows->creates == 2);
  CHECK(w.rows->tasks.size() == 3);
  CHECK(w.poll().size() == 3);
}

TEST_CASE("creations that nobody can make touch no database") {
  world w{samples::linear(1)};
  pending<std::vector<creation_outcome>> answer;
  create_tasks_request asked{{sample_creation(std::nullopt)}, answer.done()};
  asked.tasks[0].identity = identity_strategy::caller_provided;
  caf::anon_send(w.shared->actors->intake(0), std::move(asked));
  w.run();
  CHECK(std::get<failure>(answer.answer()->at(0)).code == errc::invalid);
  CHECK(w.rows->creates == 0);
}

TEST_CASE("many creations whose write is lost are sent again with the same ids") {
  world w{samples::linear(1)};
  SUBCASE("it was done") {
    w.rows->mood = db_mood::lost_after;
  }
  SUBCASE("it was not done") {
    w.rows->mood = db_mood::lost_before;
  }
  auto answer = w.create_all({"a", "b", "a"});
  w.run();
  CHECK_FALSE(answer.answered());
  w.rows->mood = db_mood::prompt;
  w.pass(milliseconds{300});
  REQUIRE(answer.answered());
  auto& outcomes = *answer.answer();
  CHECK(std::holds_alternative<accepted_task>(outcomes[0]));
  CHECK(std::holds_alternative<accepted_task>(outcomes[1]));
  CHECK(id_of(outcomes[2]) == id_of(outcomes[0]));
  CHECK(w.rows->tasks.size() == 2);
  CHECK(w.poll().size() == 2);
}

TEST_CASE("a database that stays away fails the call as a whole") {
  world w{samples::linear(1)};
  w.rows->mood = db_mood::lost_before;
  auto answer = w.create_all(keys(3));
  w.pass(milliseconds{11000});
  REQUIRE(answer.answered());
  CHECK(answer.answer().error().code == errc::unavailable);
}

TEST_CASE("what the database leaves open, or refuses as a whole, goes on one by one") {
  world w{samples::linear(1)};
  SUBCASE("the holder of an identity could not be seen") {
    w.rows->unseen = {"b"};
  }
  SUBCASE("a value that it does not take") {
    w.rows->refuses_many = true;
  }
  auto answer = w.create_all({"a", "b", "c"});
  w.run();
  REQUIRE(answer.answered());
  REQUIRE(answer.answer());
  for (auto& outcome : *answer.answer())
    CHECK(std::holds_alternative<accepted_task>(outcome));
  CHECK(w.rows->tasks.size() == 3);
  CHECK(w.poll().size() == 3);
}

TEST_CASE("a stopping intake takes no creations, and waits for those that it has") {
  world w{samples::linear(1)};
  w.rows->mood = db_mood::holding;
  auto first = w.create_all(keys(2));
  w.run();
  pending<std::uint32_t> drained;
  caf::anon_send(w.shared->actors->intake(0), drain_request{drained.done()});
  auto second = w.create_all(keys(2));
  w.run();
  CHECK(second.answer().error().code == errc::stopping);
  CHECK_FALSE(drained.answered());
  w.rows->mood = db_mood::prompt;
  caf::anon_send(caf::actor_cast<fake_db_actor>(w.shared->actors->db()), release_answers{});
  w.run();
  CHECK(drained.answered());
  CHECK(first.answer()->size() == 2);
}

TEST_CASE("delayed tasks of one call start when their time comes") {
  world w{samples::linear(1)};
  pending<std::vector<creation_outcome>> answer;
  create_tasks_request asked{{sample_creation(std::nullopt), sample_creation(std::nullopt)}, answer.done()};
  asked.tasks[1].input.start_at = w.shared->now() + milliseconds{500};
  caf::anon_send(w.shared->actors->intake(0), std::move(asked));
  w.run();
  CHECK(w.poll().size() == 1);
  w.pass(milliseconds{700});
  CHECK(w.poll().size() == 1);
}
