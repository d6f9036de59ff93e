#pragma once

#include "messages/task.hpp"
#include "messages/worker.hpp"

namespace geartrain {

/// What a report's token is worth against what is known of its step.
enum class fence_verdict : std::uint8_t {
  current,      ///< it holds the step: apply the report
  duplicate,    ///< this very token's result is recorded already
  stale,        ///< it held the step once, or never reached that far
  unknown_step, ///< the task has no such step
};

/// True if the rows say that a lease with this token has ended: by a result, by an expiry, or by a yield. Its claim may still
/// stand there.
bool is_over(const task_context& context, const lease_token& token);

/// True if an authentic token says that somebody has written what is not known here: it belongs to a step, an attempt or a
/// yield beyond those of `context`.
bool is_ahead(const task_context& context, const lease_token& token);

/// `held` is the lease that the node knows of for this step, or null. Without one (a restart forgot a lease that was too
/// young to be recorded) an authentic token still holds its step as long as it has not expired and nobody else got it.
///
/// A step that was given back with a checkpoint keeps its attempt, so several tokens of one attempt may be about: each knows
/// how many yields came before it, and a yield ends all of those. `is_yield` tells the last yield, sent again, from anything
/// else that comes with such a token.
fence_verdict fence(const task_context& context, const lease* held, const lease_token& token, timestamp now,
                    bool is_yield = false);

} // namespace geartrain
