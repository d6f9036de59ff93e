#pragma once

#include "actors/cluster.hpp"
#include "tests/actor/sim.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

// Several real nodes on one scheduler and one database.

namespace geartrain::sim {

/// The nodes of a test by number; of two, the one with the smaller number connects.
node_id node_number(std::uint8_t number);
member member_number(std::uint8_t number);

/// A node that can reach nobody and can't see whether a process lives.
cluster_wiring wiring_of(std::uint8_t number);

/// The ways between simulated nodes. What passes is not serialized; for that see wire_test.cpp.
class network {
public:
  explicit network(caf::actor_system& system) : system_(system) {}

  void open(std::uint8_t node, peer_gate_actor gate) { gates_[node] = std::move(gate); }
  void connect(std::uint8_t from, const std::string& address, const completion<caf::strong_actor_ptr>& done);

  /// The connection breaks: both ends see it, and no new one is made until it is mended.
  void cut(std::uint8_t one, std::uint8_t other);
  /// What is said is lost, and nobody sees it.
  void silence(std::uint8_t one, std::uint8_t other) { silent_.insert(between(one, other)); }
  void mend(std::uint8_t one, std::uint8_t other);

  /// Nobody listens at the node's address any more, and its connections break.
  void close(std::uint8_t node);

  // -- for the ends of a way -----------------------------------------------------------

  using way = std::pair<std::uint8_t, std::uint8_t>;
  /// How many connections have broken before this one.
  std::size_t connection_of(const way& pair) const {
    auto found = broken_.find(pair);
    return found == broken_.end() ? 0 : found->second;
  }
  bool passes(const way& pair, std::size_t connection) const {
    return connection == connection_of(pair) && !silent_.contains(pair);
  }
  /// Stands for `target` on the other side.
  caf::strong_actor_ptr new_end(const way& pair, const caf::strong_actor_ptr& target);

private:
  static way between(std::uint8_t one, std::uint8_t other) { return std::minmax(one, other); }
  void break_off(const way& pair);

  caf::actor_system& system_;
  std::map<std::uint8_t, peer_gate_actor> gates_;
  std::set<way> cut_;
  std::set<way> silent_;
  std::map<way, std::size_t> broken_;
  std::map<way, std::vector<caf::strong_actor_ptr>> ends_;
};

/// Nodes 1 and up.
class cluster_world {
public:
  cluster_world(std::uint8_t nodes, const task_template& definition);
  ~cluster_world();

  world& node(std::uint8_t number) { return *nodes_.at(number); }
  fake_rows& rows() { return *node(1).rows; }
  fake_cluster& table() { return rows().cluster; }
  cluster_map& map(std::uint8_t number) { return node(number).shared->actors->cluster(); }

  void start(std::uint8_t number);
  /// All actors of the node end without a word; its row stays.
  void crash(std::uint8_t number);
  bool runs(std::uint8_t number) const { return running_.contains(number); }
  const std::set<std::uint8_t>& running() const { return running_; }

  void run() { node(1).run(); }
  void pass(milliseconds time) { node(1).pass(time); }
  /// Time enough for everybody to serve what it should.
  void settle() { pass(milliseconds{5000}); }

  void beat(std::uint8_t number);
  void release_beats(std::uint8_t number);
  pending<std::uint32_t> hand_over(std::uint8_t number);
  pending<std::uint32_t> leave(std::uint8_t number);

  /// A task of a partition that this node serves, created there.
  task_snapshot task_at(std::uint8_t number);

  /// Partitions that more than one node hands out steps of at this moment.
  std::size_t shared_partitions();
  std::size_t served_by(std::uint8_t number) { return map(number).partitions_served(); }

private:
  cluster_wiring make_wiring(std::uint8_t number);

  task_template definition_;
  std::map<std::uint8_t, std::unique_ptr<world>> nodes_; // an ended one stays until its number starts again
  std::map<std::uint8_t, peer_gate_actor> gates_;
  std::set<std::uint8_t> running_;

public:
  std::unique_ptr<network> ways;
};

} // namespace geartrain::sim
