#pragma once

#include "messages/turn.hpp"
#include "workflow/state_machine.hpp"

// The only functions that change a step's state; they keep the task's counts true.

namespace geartrain {

/// Sends `event` to step `number`. Throws illegal_transition if the machine does not allow it: a defect of the engine.
void fire(task_context& context, std::uint16_t number, step_event event);

/// Sets a state that follows from facts read back, or from the absence of a fact, instead of from an event.
void derive(task_context& context, std::uint16_t number, step_state state);

/// When the first of the steps that wait for a retry is due. They stand in a heap, so that nobody has to look at all
/// steps; those that wait no more, or for another time, are dropped when they come to its top.
std::optional<timestamp> earliest_retry(task_context& context);

/// The step waits for its retry: earliest_retry() knows of it from now on. derive() calls it.
void note_retry(task_context& context, std::uint16_t number);

/// Writes what an ended attempt leaves behind into the step; its state is the caller's to move.
void record_attempt(step_record& step, const step_outcome& outcome);

} // namespace geartrain
