#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Validates creation requests against their template, builds the first context, commits it in one round trip, and
/// hands the task to its result_processor and its first steps to the step_dispatcher.
task_intake_actor spawn_task_intake(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
