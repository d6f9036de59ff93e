#pragma once

#include "messages/turn.hpp"
#include "workflow/growth.hpp"

#include <optional>

namespace geartrain {

/// The case that a turn opens for operators: attempts ran out, or the task went stale. Its id is still to be filled in.
/// Nothing if the turn opens none. Pure.
std::optional<dead_letter> dead_letter_of(const task_context& context, const std::vector<step_outcome>& outcomes,
                                          const turn_effects& effects, timestamp now);

/// What a case keeps of its task, as a JSON object: the state that it was in, and since when.
json_text task_snapshot_text(const task_context& context, task_state state, timestamp since, timestamp now);

} // namespace geartrain
