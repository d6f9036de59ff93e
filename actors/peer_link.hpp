#pragma once

#include "actors/engine.hpp"
#include "messages/peer.hpp"
#include "messages/wire_types.hpp"

namespace geartrain {

/// The peer is no member any more: what is open is dealt with here, then the link ends.
struct stop_link {};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::stop_link)

namespace geartrain {

/// peer_actor for this node's actors, peer_link_actor for the link at the other end.
using peer_link_handle =
  peer_actor::extend<caf::reacts_to<peer_hello, caf::strong_actor_ptr>, caf::reacts_to<peer_call>,
                     caf::reacts_to<peer_answer>, caf::reacts_to<peer_notice>, caf::reacts_to<stop_link>>;

/// One end of the connection to another node. Takes what is meant for the actors there, and does for the other end what is
/// asked from there. Calls are bounded in number and time; what the peer does not answer is dealt with here.
///
/// The node with the smaller id connects, again and again with growing pauses; the other one waits to be spoken to.
peer_link_handle spawn_peer_link(caf::actor_system& system, engine_ptr engine, member peer);

} // namespace geartrain
