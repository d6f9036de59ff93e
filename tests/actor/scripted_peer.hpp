#pragma once

#include "tests/actor/cluster_sim.hpp"

#include <memory>
#include <utility>
#include <vector>

// One real node, and a peer that says what the test wants when the test wants it.

namespace geartrain::sim {

/// What came to the peer.
struct peer_log {
  std::vector<peer_hello> hellos;
  peer_link_actor link; ///< that spoke last
  std::vector<peer_call> calls;
  std::vector<peer_answer> answers;
  std::vector<peer_notice> notices;

  /// The notices of one kind.
  template <class Notice>
  std::vector<Notice> all_of() const {
    std::vector<Notice> found;
    for (auto& one : notices)
      if (auto* body = std::get_if<Notice>(&one.body))
        found.push_back(*body);
    return found;
  }
};

class scripted_pair {
public:
  /// The node with the smaller number connects.
  scripted_pair(std::uint8_t self, std::uint8_t peer, const task_template& definition);
  ~scripted_pair();

  /// The peer has a row that stays valid, an actor that listens, and soon all the partitions. The node knows it.
  void peer_joins();
  /// The peer's row is gone; the node reads that at once.
  void peer_leaves();
  /// The peer's process ends: nobody listens, and who was linked gets a down message.
  void peer_dies();
  /// The peer's process is there (again).
  void peer_lives();
  /// The peer says hello to the link that spoke to it last, or else to the gate.
  void peer_speaks();
  void speak_at_gate(const peer_hello& hello);
  /// Joined, and both have said hello.
  void link();

  /// The peer says something to the link.
  template <class Message>
  void say(Message message) {
    caf::anon_send(log->link, std::move(message));
    node.run();
  }
  void beat();
  void pass(milliseconds time) { node.pass(time); }

  cluster_map& map() { return node.shared->actors->cluster(); }
  cluster_metrics& metrics() { return map().metrics(); }
  bool is_linked() { return map().is_linked(node_number(peer_number)); }
  /// The node's link, as its own actors see it.
  peer_actor own_link() { return map().peers().at(0); }

  /// Answers the connect that was asked for first and has no answer yet.
  void answer_connect();

  const std::uint8_t self_number, peer_number;
  bool holds_connects = false; ///< the test answers them
  std::vector<completion<caf::strong_actor_ptr>> held_connects;
  std::vector<timestamp> connects; ///< when each was asked for
  std::shared_ptr<peer_log> log = std::make_shared<peer_log>();
  peer_link_actor peer; ///< null: dead
  world node;
  peer_gate_actor gate;

private:
  cluster_wiring make_wiring();
  void finish(const completion<caf::strong_actor_ptr>& connect);
};

} // namespace geartrain::sim
