#pragma once

#include "workflow/growth.hpp"

// Batches: the workers that are made of one batch_worker step, as many at a time as its parallelism says. Pure functions
// of the context.

namespace geartrain {

/// The index of the batch_worker step; errc::invalid if this batch can't be made.
expected<std::uint16_t> check_batch(const task_context& context, std::uint16_t number, const batch_outcome& outcome);

/// Makes the workers of a batch; without cursors one placeholder that has nothing to do.
/// `result` is that of the batchable step.
batch_group& add_batch(task_context& context, std::uint16_t number, std::uint16_t worker, batch_outcome outcome,
                       const json_text& result);

/// A batch worker failed for good: what its batch makes of it.
void fail_worker(task_context& context, std::uint16_t number, turn_effects& effects);

/// True if the failure of this batch worker does not stop its task.
bool is_tolerated(const task_context& context, std::uint16_t number);

/// Enqueues as many workers of a batch as its parallelism allows.
void fill_batch(task_context& context, batch_group& batch, turn_effects& effects);

/// Takes the failure of a batch worker back, and what it did to its batch.
void revive_worker(task_context& context, std::uint16_t number, turn_effects& effects);

/// The worker no longer takes up its batch's parallelism.
void leave_slot(task_context& context, std::uint16_t number);

/// Enqueues a worker that nothing holds back, if its batch has room for it.
void enqueue_worker_if_ready(task_context& context, std::uint16_t number, turn_effects& effects);

} // namespace geartrain
