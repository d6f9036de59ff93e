#pragma once

#include "actors/engine.hpp"

namespace geartrain {

/// Validates and stores templates, and keeps the catalog up to date with what other nodes register.
template_registry_actor spawn_template_registry(caf::actor_system& system, engine_ptr engine);

} // namespace geartrain
