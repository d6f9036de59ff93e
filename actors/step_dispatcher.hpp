#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Ready steps meet waiting workers: lanes by namespace and handler, leases with fencing tokens, heartbeats, expiry.
/// Dispatch costs no round trip; only leases that last longer than a moment are recorded, in batches.
///
/// One actor for all namespaces of the node: a poll may name several of them, and a step must never be given out twice.
step_dispatcher_actor spawn_step_dispatcher(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
