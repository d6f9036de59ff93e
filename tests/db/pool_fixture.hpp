#pragma once

#include "db/db_pool.hpp"
#include "messages/interfaces.hpp"
#include "tests/support/test_database.hpp"

#include <caf/all.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace geartrain::test {

/// Waits until the condition holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

/// A CAF system with one database actor on a fresh database.
class pool_fixture {
public:
  explicit pool_fixture(db_config config = {});
  pool_fixture(const test_database& database, db_config config);
  ~pool_fixture();

  /// Sends one unit and waits for its answer.
  template <class Reply, class Unit>
  expected<Reply> ask(Unit unit) {
    return std::move(ask_all<Reply>(std::vector<Unit>{std::move(unit)}).front());
  }

  /// Sends all units at once and waits for every answer; the answers are in the order of the units.
  template <class Reply, class Unit>
  std::vector<expected<Reply>> ask_all(std::vector<Unit> units, const std::function<void()>& after_sending = {}) {
    caf::scoped_actor self{*system_};
    using handle = decltype(self->request(pool, std::chrono::seconds{30}, std::declval<Unit>()));
    std::vector<handle> pending;
    for (auto& unit : units)
      pending.push_back(self->request(pool, std::chrono::seconds{30}, std::move(unit)));
    if (after_sending)
      after_sending();
    std::vector<expected<Reply>> answers;
    for (auto& one : pending)
      one.receive([&](Reply& reply) { answers.emplace_back(std::move(reply)); },
                  [&](caf::error& error) { answers.emplace_back(to_failure(error)); });
    return answers;
  }

  db_operation_figures figures(db_operation operation) const { return metrics->figures().of(operation); }

  caf::actor_system& system() { return *system_; }
  const test_database& database() const { return *database_; }

  std::shared_ptr<db_metrics> metrics = std::make_shared<db_metrics>();
  db_actor pool;

private:
  void start(db_config config);

  std::unique_ptr<test_database> own_;
  const test_database* database_;
  caf::actor_system_config configuration_;
  std::unique_ptr<caf::actor_system> system_;
};

/// Keeps everything that writes a template waiting, and with it the connection that tries: so that a test decides
/// when the next batch is made up. Ends with release() or the object.
class template_lock {
public:
  explicit template_lock(const test_database& database);
  ~template_lock();
  template_lock(const template_lock&) = delete;
  template_lock& operator=(const template_lock&) = delete;

  void release();

private:
  void* connection_;
};

// -- values ----------------------------------------------------------------------

/// A pool of size 1.
db_config one_connection();

put_template_unit some_template();

timestamp at_second(std::int64_t seconds);

/// A new id; `second` is the time in it.
task_id new_task_id(std::int64_t second = 1'763'000'000);

task_input sample_input();
create_task_unit creation(const task_id& id, std::optional<std::string> identity = {}, std::int64_t template_id = 1);
step_outcome success(std::uint16_t number, std::uint16_t attempt = 1, std::string result = R"({"ok":true})");

/// A turn that ends one step; `version` is the expected one.
commit_turn_unit turn_of(const task_id& id, std::int32_t version, std::vector<step_outcome> outcomes);

/// The same turn, if it changes nothing that the head row says.
commit_turn_unit appending(commit_turn_unit turn);

/// 32 bytes that differ for each number.
std::string identity_of(int number);

} // namespace geartrain::test
