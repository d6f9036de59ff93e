#pragma once

#include "messages/turn.hpp"
#include "workflow/state_machine.hpp"

// The only functions that change a step's state; they keep the task's counts true.

namespace geartrain {

/// Sends `event` to step `number`. Throws illegal_transition if the machine does not allow it: a defect of the engine.
void fire(task_context& context, std::uint16_t number, step_event event);

/// Sets a state that follows from facts read back, or from the absence of a fact, instead of from an event.
void derive(task_context& context, std::uint16_t number, step_state state);

/// Writes what an ended attempt leaves behind into the step; its state is the caller's to move.
void record_attempt(step_record& step, const step_outcome& outcome);

} // namespace geartrain
