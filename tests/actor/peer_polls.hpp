#pragma once

#include "tests/actor/scripted_peer.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

namespace geartrain::sim {

inline waiting_worker waiting(std::uint64_t poll_id) {
  return {poll_id, "theirs", {"test"}, std::nullopt, 1};
}

/// A node that serves everything itself, linked with a peer that has nothing.
struct polls : scripted_pair {
  explicit polls(bool linked = true) : scripted_pair(1, 3, samples::linear(1)) {
    pass(milliseconds{100});
    peer_lives();
    auto idle = member_number(3);
    idle.draining = true;
    node.rows->cluster.add(idle, std::chrono::hours{1});
    beat();
    pass(milliseconds{100});
    if (linked)
      peer_speaks();
    REQUIRE(is_linked() == linked);
    REQUIRE(map().partitions_served() == partition_count);
  }

  void begin(std::uint64_t poll_id) { say(peer_notice{workers_wait{{waiting(poll_id)}, {}}}); }
  void end(std::uint64_t poll_id) { say(peer_notice{workers_wait{{}, {poll_id}}}); }

  /// What the peer has heard of the workers here, and what it was offered.
  auto told() const { return log->all_of<workers_wait>(); }
  auto offered() const { return log->all_of<steps_offered>(); }

  /// A step of another node's task, as the peer would lease it.
  leased_step foreign_step(std::uint64_t number) {
    auto step = std::make_shared<ready_step>();
    step->id = make_step_id(make_task_id(milliseconds{1}, number << 16), 1);
    step->definition = node.shared->catalog->find_by_id(1);
    step->input = input_snapshot{task_input{}};
    lease held;
    held.token.step = step->id;
    held.token.attempt = 1;
    held.token.nonce = number;
    return {step, held};
  }
};

} // namespace geartrain::sim
