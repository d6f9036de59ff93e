#pragma once

#include "messages/cluster.hpp"
#include "messages/completion.hpp"
#include "runtime/cluster/certificates.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include <cstdint>
#include <string>

// The border to CAF's network: nothing else of the house knows how a message comes to another node. A link is TLS in
// which both sides have shown a certificate of the cluster's authority; without that no byte reaches CAF.

namespace geartrain {

/// Who a node is for its peers.
struct transport_identity {
  node_id node;
  pem_pair own;          ///< what this node shows
  std::string authority; ///< whose certificates it takes, PEM
};

/// Makes an actor system of these settings able to publish and to connect. Peers are found silent after three seconds;
/// those with another wire version are refused. Errors: invalid (certificates that no peer would take, with the reason).
expected<bool> configure_transport(caf::actor_system_config& settings, const transport_identity& identity);

/// Lets other nodes connect to `actor` at an IP address; port 0 picks one. Gives the port. Called again, it puts the actor
/// in place of the former one, and ignores the address. Not from an actor: it waits for another thread.
/// Errors: unavailable (the address can't be had), stopping.
expected<std::uint16_t> publish_link(caf::actor_system& system, const caf::strong_actor_ptr& actor,
                                     const std::string& address, std::uint16_t port);

/// Connects to the actor that a peer published. `host` may be a name. `done` runs on another thread, after at most six
/// seconds, one if nobody listens there; it must not block, so an actor sends itself a message. The handle dies, and its
/// monitors are told, when the connection breaks. Thread-safe.
/// Errors: unavailable, timeout, dropped, stopping.
void connect_link(caf::actor_system& system, const std::string& host, std::uint16_t port,
                  completion<caf::strong_actor_ptr> done);

} // namespace geartrain
