#pragma once

#include "messages/turn.hpp"
#include "workflow/outcomes.hpp"

#include <cstdint>
#include <vector>

// How the graph of a task grows. A step of the template exists, never will, or is undecided until the decisions and
// batches above it have spoken:
//
//   - an ordinary step exists when all its dependencies do, and every decision among them asked for it (or for one of
//     its other dependencies below that decision); it never does when one of them never does
//   - a step that a decision asks for by name does without those of its dependencies that never come
//   - a join (deferred_convergence) exists when one of its dependencies does that was not there from the start, or when
//     all are decided and one exists; it never does when none does
//   - a batch_worker step stands for the workers made of it: it exists when there are some
//
// `remaining_parents` counts the dependencies that hold a step back; one that ended well or never comes does not. A
// batch_worker step's own counts the batches that are not cut yet and the workers that are not finished.
// Pure functions of the context; all but judge() change it.

namespace geartrain {

/// Bounds on growth, from the configuration.
struct growth_limits {
  std::uint32_t max_steps_per_decision = 100;
  std::uint32_t max_decision_depth = 20;
};

/// What a turn caused, besides the context it left behind.
struct turn_effects {
  std::vector<std::uint16_t> enqueued;   ///< steps that may run now
  std::vector<std::uint16_t> cancelled;  ///< steps that were cancelled; their leases are void
  std::vector<std::uint16_t> superseded; ///< steps that an operator ended; their leases are void
  std::vector<std::uint16_t> held_back;  ///< steps that must not reach a worker now
  std::vector<task_fact> facts;
  task_state state_before = task_state::pending;
  timestamp state_since_before;
  std::optional<dead_letter_reason> stale; ///< the task is past its deadline and is given up
  bool started = false;                    ///< a delayed task begins now
  bool revived = false;                    ///< nothing stands in the way of the task any more
  bool resumed = false;                    ///< no longer paused: what is enqueued is offered again
};

/// Whether the step at `index` of the template comes into being, as far as it is known.
existence judge(const task_context& context, std::uint16_t index);

/// Decides what exists from the start. For a new context, before anything else.
void begin_growth(task_context& context);

// -- validating outcomes -------------------------------------------------------

/// The indices of the chosen steps; errc::invalid if the decision may not choose them.
expected<std::vector<std::uint16_t>> check_decision(const task_context& context, std::uint16_t number,
                                                    const decision_outcome& outcome, const growth_limits& limits);

// -- growing ---------------------------------------------------------------------

/// Remembers what the decision at step `number` asked for. Its completion does the rest.
void note_decision(task_context& context, std::uint16_t number, const std::vector<std::uint16_t>& chosen);

/// Step `number` ended in a way that lets its children run. Decides what that settles, and enqueues what may run.
void finish_step(task_context& context, std::uint16_t number, turn_effects& effects);

/// Enqueues the step if nothing holds it back; workers of a batch as its parallelism allows.
void enqueue_if_ready(task_context& context, std::uint16_t number, turn_effects& effects);

/// Enqueues every step that may run.
void enqueue_all_ready(task_context& context, turn_effects& effects);

} // namespace geartrain
