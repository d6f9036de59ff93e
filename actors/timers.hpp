#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Wakes tasks at their due times. Holds no truth: what is due follows from the rows and is armed again after a restart.
timers_actor spawn_timers(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
