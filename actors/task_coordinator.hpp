#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Decides from a task's context what its new outcomes mean: which steps may run, and whether anything is left to run
/// at all. Commits the turn itself, or passes it to the task_finalizer when the task comes to rest.
task_coordinator_actor spawn_task_coordinator(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
