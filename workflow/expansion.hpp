#pragma once

#include "workflow/growth.hpp"

#include <optional>
#include <string>

// From a step's result to what comes into being because of it: reads the outcome, checks it whole, then grows the graph
// and records the fact. Pure functions of the context.

namespace geartrain {

/// Expands what the result of a decision or batchable step asks for; other steps ask for nothing. Gives the reason if
/// the outcome is bad: then nothing has changed.
std::optional<failure> expand(task_context& context, std::uint16_t number, const json_text& result,
                              const growth_limits& limits, timestamp now, turn_effects& effects);

/// The same for a step that an operator ended: a missing outcome means no branches, or no batches.
std::optional<failure> expand_by_hand(task_context& context, std::uint16_t number, const json_text& result,
                                      const growth_limits& limits, timestamp now, turn_effects& effects);

/// Like expand_by_hand, but only asks.
std::optional<failure> check_expansion_by_hand(const task_context& context, std::uint16_t number,
                                               const json_text& result, const growth_limits& limits);

/// Turns a success whose outcome is bad into a permanent failure.
void refuse_expansion(step_outcome& outcome, const failure& why);

/// Does again what a recorded fact says that step `number` caused; `result` is the step's. For restoring a task.
void replay_expansion(task_context& context, const task_fact& fact, const json_text& result);

} // namespace geartrain
