#pragma once

#include "actors/supervisor.hpp"
#include "tests/actor/fake_db.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace geartrain::sim {

/// An answer that may not be there yet.
template <class T>
struct pending {
  std::shared_ptr<std::optional<expected<T>>> slot = std::make_shared<std::optional<expected<T>>>();

  completion<T> done() const {
    return completion<T>{[s = slot](expected<T> value) { s->emplace(std::move(value)); }};
  }
  bool answered() const { return slot->has_value(); }
  expected<T>& answer() const { return **slot; }
};

/// A creation of the world's template, always unique unless a key is given.
create_task sample_creation(std::optional<std::string> key);

/// All actors of a one-shard engine on CAF's testing scheduler: nothing runs and no time passes unless the test says so.
class world {
public:
  /// With `wiring` the node is one of a cluster, or of what may become one.
  explicit world(task_template definition, std::optional<cluster_wiring> wiring = std::nullopt);

  /// Another node: with the scheduler, the clock and the database of the first, which must live longer.
  world(world& first, task_template definition, cluster_wiring wiring);

  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  /// Ends all actors of the node without a word to anybody.
  void stop();

  /// Runs until no actor has anything to do.
  void run() { scheduler.run(); }

  /// Lets time pass in small steps, running what becomes due.
  void pass(milliseconds time);

  /// A task of the world's template, always unique unless a key is given.
  pending<create_task_result> create(std::optional<std::string> key = std::nullopt);
  task_snapshot created(std::optional<milliseconds> starts_in = std::nullopt);

  /// Tasks of the world's template in one call: always unique, or with these keys.
  pending<std::vector<creation_outcome>> create_all(const std::vector<std::optional<std::string>>& keys);

  pending<task_snapshot> await_end(const task_id& id, milliseconds wait, std::uint64_t wait_id = 1);

  std::vector<leased_step> poll(std::uint32_t max_steps = 100);
  pending<std::vector<leased_step>> long_poll(milliseconds wait, std::uint64_t id = 1);

  pending<report_answer> report(const leased_step& step, bool success = true, bool retryable = true);
  /// Reports, runs, and gives the status.
  report_status finish(const leased_step& step, bool success = true, bool retryable = true);
  heartbeat_status heartbeat(const lease_token& token);

  /// Gives a step back with a checkpoint, or only remembers one; runs, and gives the status.
  report_status checkpoint(const leased_step& step, report_kind kind, std::string data);

  pending<task_snapshot> act(const task_id& id, act_kind kind, std::uint16_t number = 0);

  expected<task_snapshot> read(const task_id& id);
  task_state state(const task_id& id) { return (*read(id))->state; }

  template <class Handle>
  void kill(const Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> owner; ///< null for another node than the first
  caf::actor_system& system;
  caf::scheduler::test_coordinator& scheduler;
  fake_rows_ptr rows = std::make_shared<fake_rows>();
  std::shared_ptr<engine> shared = std::make_shared<engine>();
  std::optional<std::string> given_up;

private:
  void start(task_template definition, std::optional<cluster_wiring> wiring);

  caf::actor_clock::time_point start_;
  std::uint64_t random_ = 0;
  supervisor_actor supervisor_;
};

} // namespace geartrain::sim
