#pragma once

#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <shared_mutex>
#include <vector>

namespace geartrain {

/// What a node's part in its cluster costs and how it goes: written by many actors, read by the scraper. All atomic.
struct cluster_metrics {
  std::atomic<std::uint64_t> beats{0};
  std::atomic<std::uint64_t> beats_failed{0};
  std::atomic<std::uint64_t> partitions_gained{0};
  std::atomic<std::uint64_t> partitions_lost{0};
  std::atomic<std::uint64_t> calls_sent{0};     ///< to owners, each with one or many items
  std::atomic<std::uint64_t> calls_answered{0}; ///< by owners
  std::atomic<std::uint64_t> calls_served{0};   ///< for other nodes
  std::atomic<std::uint64_t> fallbacks{0};      ///< calls for tasks of others that were done here
  std::atomic<std::uint64_t> guest_turns{0};    ///< turns of tasks that this node does not own
  std::atomic<std::uint64_t> steps_offered{0};  ///< to workers that wait elsewhere
  std::atomic<std::uint64_t> steps_taken{0};    ///< offered by others, given to workers here
  std::atomic<std::uint64_t> steps_returned{0}; ///< offered by others, wanted by nobody here
  std::atomic<std::uint64_t> messages_sent{0};  ///< to other nodes
  std::atomic<std::uint64_t> messages_received{0};
  std::atomic<std::uint64_t> links_lost{0};
};

/// Which partitions this node serves and where the others are. Written by the cluster actor, read by everybody for each
/// message; thread-safe, and without a lock where a step passes.
///
/// A node that is alone, or whose cluster is switched off, serves everything for ever; that is how a map begins.
class cluster_map {
public:
  using clock = std::chrono::steady_clock;

  /// `now` is a clock that no step of the wall clock moves.
  explicit cluster_map(std::function<clock::time_point()> now);

  /// By the clock that tells what is certain.
  clock::time_point now() const { return now_(); }

  /// True if this node is the one that dispatches the task's steps and keeps it in memory.
  bool serves(const task_id& task) const {
    return served_[partition_of(task_of(task))].load(std::memory_order_relaxed);
  }
  bool serves_partition(std::uint16_t partition) const { return served_[partition].load(std::memory_order_relaxed); }

  /// False once the last beat is so long ago that others may have taken the partitions. What this node believes of its
  /// tasks is no ground for a refusal then, and it dispatches nothing. What is asked about partitions after it is as new.
  bool is_certain() const { return now().time_since_epoch().count() < certain_until_.load(std::memory_order_acquire); }

  /// The link to the owner of a task that this node does not serve; null if the task is to be dealt with here.
  peer_actor owner_of(const task_id& task) const;

  /// The links that work.
  std::vector<peer_actor> peers() const;
  bool has_peers() const { return has_peers_.load(std::memory_order_relaxed); }

  // -- written by the cluster actor and its links ----------------------------------

  /// From now on this node is one of a cluster: it serves nothing until it is told.
  void begin_cluster(const node_id& self);
  void set_owners(const partition_table& partitions);
  void serve(std::uint16_t partition, bool served) { served_[partition].store(served, std::memory_order_relaxed); }
  void certain_until(clock::time_point until) {
    certain_until_.store(until.time_since_epoch().count(), std::memory_order_release);
  }
  void link_up(const node_id& peer, peer_actor link);
  /// Nothing, if another link to the peer has come up meanwhile.
  void link_down(const node_id& peer, const caf::actor_addr& link);

  // -- for those who show it ---------------------------------------------------------

  std::optional<node_id> self() const;
  bool is_linked(const node_id& peer) const;
  std::uint32_t partitions_served() const;

  cluster_metrics& metrics() const { return metrics_; }

  /// Drops the links, so that their actors can end.
  void clear();

private:
  std::function<clock::time_point()> now_;
  std::array<std::atomic<bool>, partition_count> served_;
  std::atomic<clock::rep> certain_until_{clock::time_point::max().time_since_epoch().count()};
  std::atomic<bool> has_peers_{false};
  mutable cluster_metrics metrics_;

  mutable std::shared_mutex mutex_;
  std::optional<node_id> self_;
  partition_table owners_{};
  std::map<node_id, peer_actor> links_; // those that work
};

} // namespace geartrain
