#pragma once

#include "messages/turn.hpp"
#include "workflow/backoff.hpp"
#include "workflow/deadlines.hpp"
#include "workflow/growth.hpp"

#include <memory>
#include <vector>

// The rules of a turn: how recorded facts change what is known of a task. Pure functions of their arguments: time and
// randomness come in from outside. A step's state is derived from the facts and moves only along the state machine.

namespace geartrain {

/// What bounds a task, from the configuration.
struct turn_rules {
  growth_limits growth;
  staleness_limits staleness;
};

// -- building a context ------------------------------------------------------

/// A new task with its initial steps; those without dependencies are enqueued, unless it starts later.
std::unique_ptr<task_context> new_task(const task_id& id, template_snapshot definition, input_snapshot input,
                                       timestamp now);

/// The steps of `context` that are enqueued, as numbers.
std::vector<std::uint16_t> enqueued_steps(const task_context& context);

// -- classifying (classify.cpp) ------------------------------------------------

/// What a worker's report means: success, another attempt after some delay, or the end.
/// `random` in [0, 1) feeds the jitter.
step_outcome classify(const step_report& report, const task_context& context, timestamp claimed_at, timestamp now,
                      const retry_defaults& defaults, double random);

/// What the expiry of a lease means: a retryable failure that is dispatched again at once, if attempts are left.
step_outcome classify_expiry(const lease& expired, const task_context& context, timestamp now);

/// What it means that an attempt took longer than its step's timeout_seconds: a retryable failure with back-off.
step_outcome classify_timeout(const lease& expired, const task_context& context, timestamp now,
                              const retry_defaults& defaults, double random);

// -- moving on ----------------------------------------------------------------

/// Marks a step as being with a worker; does nothing if it is not enqueued.
void mark_started(task_context& context, std::uint16_t number, timestamp claimed_at);

/// A step that is known to be with a worker is in progress whatever else holds for its task, unless this attempt of it
/// has ended. Numbers that name no step are ignored.
void mark_claimed(task_context& context, std::uint16_t number, std::uint16_t attempt, timestamp claimed_at);

/// Takes back the start of an attempt that never reached its worker.
void mark_returned(task_context& context, std::uint16_t number);

/// Applies everything that opened the turn. An outcome that can't be expanded becomes a permanent failure.
turn_effects advance(task_context& context, turn_causes& causes, const turn_rules& rules, timestamp now);

/// After a permanent failure nothing new is dispatched: steps that are enqueued and not with a worker wait again.
void withdraw(task_context& context, const std::vector<std::uint16_t>& numbers);

/// The state in which the task rests after a turn, derived from its steps.
task_state resting_state(const task_context& context);

/// True when no worker can change the task any more: terminal, or waiting for time to pass.
bool nothing_to_run(const task_context& context);

/// Moves the task to `state` and remembers since when it is there.
void enter_state(task_context& context, task_state state, timestamp now);

/// Brings the context into `state` along a legal path, and fills in what such a turn has to write.
turn_record close_turn(task_context& context, turn_facts appended, task_state state, const turn_rules& rules,
                       timestamp now);

/// A due retry is no fact of its own, so nothing is written: a waiting task that has enqueued steps is on its way again.
void resume_if_due(task_context& context, timestamp now);

/// A step whose retry is due is enqueued; false if it is not.
bool enqueue_if_due(task_context& context, std::uint16_t number, timestamp now, turn_effects& effects);

/// What a worker needs to run step `number` now. Shares all texts with the context. (ready_steps.cpp)
ready_step_ptr make_ready_step(const task_context& context, std::uint16_t number, timestamp now);

} // namespace geartrain
