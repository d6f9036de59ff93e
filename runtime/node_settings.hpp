#pragma once

#include "actors/engine.hpp"
#include "db/db_pool.hpp"
#include "runtime/api/admission.hpp"
#include "runtime/config.hpp"
#include "runtime/http/http_server.hpp"

#include <caf/fwd.hpp>

// What the configuration of a node says to each of its parts. Pure functions.

namespace geartrain {

engine_settings engine_settings_of(const config& settings);
db_config db_config_of(const config& settings);
admission_limits admission_limits_of(const config& settings);

/// Errors: invalid.
expected<http_config> http_config_of(const config& settings);

/// The scheduler settings that CAF needs to be fair: see docs/architecture.md.
void configure_scheduler(caf::actor_system_config& cfg, const config& settings);

} // namespace geartrain
