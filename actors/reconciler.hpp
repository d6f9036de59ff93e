#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Finds what no message will wake: open tasks past their deadline, or due for longer than a living timer would let them
/// be. Their owners look at them. The database is asked again after a pause that grows with the time that asking takes.
reconciler_actor spawn_reconciler(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
