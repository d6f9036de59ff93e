#pragma once

#include "actors/engine.hpp"

#include <cstddef>

namespace geartrain {

/// Entry of every report, expiry and timer of the tasks of one shard: finds or loads the task's context, fences by
/// lease token, classifies outcomes and opens a turn. While a turn is open everything else for the task waits and
/// forms the next one together.
result_processor_actor spawn_result_processor(caf::actor_system& system, engine_ptr engine, std::size_t shard);

} // namespace geartrain
