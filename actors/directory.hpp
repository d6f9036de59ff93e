#pragma once

#include "actors/cluster_map.hpp"
#include "messages/interfaces.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <vector>

namespace geartrain {

/// Where the living actors of each role are. The supervisor replaces a handle when it restarts an actor; everybody
/// else looks handles up for each message and keeps none. Thread-safe.
class directory {
public:
  /// `now` is the clock of the cluster_map.
  explicit directory(std::size_t shards, std::function<cluster_map::clock::time_point()> now = cluster_map::clock::now);

  std::size_t shards() const { return processors_.size(); }

  /// The shard of a task: its partition modulo the number of shards.
  std::size_t shard_of(const task_id& task) const;

  task_intake_actor intake(std::size_t shard) const;
  result_processor_actor processor(std::size_t shard) const;
  result_processor_actor processor_of(const task_id& task) const { return processor(shard_of(task)); }
  task_coordinator_actor coordinator(std::size_t shard) const;
  task_finalizer_actor finalizer(std::size_t shard) const;
  step_dispatcher_actor dispatcher() const;
  timers_actor timers() const;
  template_registry_actor templates() const;
  inbox_actor inbox() const;
  db_actor db() const;
  cluster_actor membership() const; ///< null if the cluster is switched off

  /// Which of the tasks this node serves, and where the others are.
  cluster_map& cluster() const { return *cluster_; }

  void set_intake(std::size_t shard, task_intake_actor handle);
  void set_processor(std::size_t shard, result_processor_actor handle);
  void set_coordinator(std::size_t shard, task_coordinator_actor handle);
  void set_finalizer(std::size_t shard, task_finalizer_actor handle);
  void set_dispatcher(step_dispatcher_actor handle);
  void set_timers(timers_actor handle);
  void set_templates(template_registry_actor handle);
  void set_inbox(inbox_actor handle);
  void set_db(db_actor handle);
  void set_membership(cluster_actor handle);

  /// Drops every handle, so that the actors can end.
  void clear();

private:
  template <class T>
  T get(const T& slot) const {
    std::shared_lock guard{mutex_};
    return slot;
  }

  template <class T>
  void set(T& slot, T handle) {
    std::unique_lock guard{mutex_};
    slot = std::move(handle);
  }

  mutable std::shared_mutex mutex_;
  std::vector<task_intake_actor> intakes_;
  std::vector<result_processor_actor> processors_;
  std::vector<task_coordinator_actor> coordinators_;
  std::vector<task_finalizer_actor> finalizers_;
  step_dispatcher_actor dispatcher_;
  timers_actor timers_;
  template_registry_actor templates_;
  inbox_actor inbox_;
  db_actor db_;
  cluster_actor membership_;
  std::unique_ptr<cluster_map> cluster_;
};

} // namespace geartrain
