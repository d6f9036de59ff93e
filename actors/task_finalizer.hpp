#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Brings a task to rest when nothing of it can run now: a terminal state, or waiting for a retry. Commits the turn.
task_finalizer_actor spawn_task_finalizer(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
