#pragma once

#include "actors/engine.hpp"
#include "messages/peer.hpp"
#include "messages/wire_types.hpp"

namespace geartrain {

/// Membership of this node and ownership of partitions: beats, takes partitions over, gives them away, and keeps a link to
/// every other member. `engine->cluster` must be there. What it does and when: cluster.cpp.
cluster_actor spawn_cluster(caf::actor_system& system, engine_ptr engine);

/// What other nodes find at this node's address: passes the first words of a link on to the membership, whose actor may be
/// restarted.
using peer_gate_actor = caf::typed_actor<caf::reacts_to<peer_hello, caf::strong_actor_ptr>>;

peer_gate_actor spawn_peer_gate(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
