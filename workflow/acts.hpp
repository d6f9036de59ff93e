#pragma once

#include "messages/expected.hpp"
#include "workflow/growth.hpp"

#include <optional>

// What operators may do to a task and its steps. Pure functions of the context.

namespace geartrain {

struct turn_rules;

/// Why the act can't be done now: errc::conflict, errc::not_found or errc::invalid. Nothing: it can.
std::optional<failure> check_act(const task_context& context, const operator_act& act, const turn_rules& rules);

/// True if the task is already as the act wants it: there is nothing to write.
bool is_done_already(const task_context& context, const operator_act& act);

/// Does an act that check_act allows.
void apply_act(task_context& context, const operator_act& act, const turn_rules& rules, timestamp now,
               turn_effects& effects);

/// Does again what a recorded fact says an operator did to a step; states only, for restoring a task.
void replay_act(step_record& step, const task_fact& fact);

} // namespace geartrain
