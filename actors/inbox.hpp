#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Takes over the creations that users' own transactions left in the inbox, each exactly once over all nodes: the row goes
/// away in the statement that creates its task. One that can't become a task ends as a dead letter. Looks when told that
/// something came (tick), and from time to time anyway.
inbox_actor spawn_inbox(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
