#pragma once

#include "actors/cluster.hpp"
#include "runtime/config.hpp"

#include <caf/fwd.hpp>

#include <optional>

namespace geartrain {

/// Who this node is for its cluster, and its certificate, as the configuration and the database have it; the settings of
/// the actor system are made ready for links. Blocking. Nothing if the cluster is switched off.
/// Errors: invalid (certificates, addresses), unavailable and storage (the database).
expected<std::optional<cluster_wiring>> prepare_cluster(const config& settings, caf::actor_system_config& cfg);

/// Lets other nodes connect, puts where they do so into the wiring, and the wiring into the engine. Before any actor of the
/// engine is started. Errors: unavailable (the address can't be had).
expected<peer_gate_actor> open_gate(caf::actor_system& system, const std::shared_ptr<engine>& shared,
                                    const config& settings, cluster_wiring wiring);

} // namespace geartrain
