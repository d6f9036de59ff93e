#include "workflow/fencing.hpp"

namespace geartrain {

namespace {

fence_verdict fence_ended(const step_record& step, const lease_token& token) {
  auto& ended = step.attempts[token.attempt - 1u];
  auto reported = ended.outcome != attempt_outcome::lease_expired && ended.outcome != attempt_outcome::timed_out;
  return reported && ended.lease_nonce == token.nonce ? fence_verdict::duplicate : fence_verdict::stale;
}

} // namespace

bool is_over(const task_context& context, const lease_token& token) {
  auto number = number_of(token.step);
  if (number < 1 || number > context.steps.size())
    return true;
  auto& step = context.step(number);
  auto ended = step.attempts.size();
  return token.attempt <= ended || (token.attempt == ended + 1 && token.yields < step.yields);
}

fence_verdict fence(const task_context& context, const lease* held, const lease_token& token, timestamp now,
                    bool is_yield) {
  auto number = number_of(token.step);
  if (number < 1 || number > context.steps.size() || token.attempt < 1)
    return fence_verdict::unknown_step;
  auto& step = context.steps[number - 1u];
  if (token.attempt <= step.attempts.size())
    return fence_ended(step, token);
  if (is_over(context, token))
    return is_yield && token.nonce == step.yielded_nonce ? fence_verdict::duplicate : fence_verdict::stale;
  if (is_terminal(context.state) || is_ahead(context, token))
    return fence_verdict::stale;
  auto may_run = step.state == step_state::enqueued || step.state == step_state::in_progress;
  if (held)
    return may_run && held->token.nonce == token.nonce ? fence_verdict::current : fence_verdict::stale;
  return step.state == step_state::enqueued && token.expires_at > now ? fence_verdict::current : fence_verdict::stale;
}

bool is_ahead(const task_context& context, const lease_token& token) {
  auto number = number_of(token.step);
  if (number < 1 || number > context.steps.size())
    return true;
  auto& step = context.step(number);
  auto next = step.attempts.size() + 1;
  return token.attempt > next || (token.attempt == next && token.yields > step.yields);
}

} // namespace geartrain
