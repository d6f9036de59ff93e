#include "actors/dispatch_order.hpp"
#include "actors/step_dispatcher_impl.hpp"

// Leases while they run, and the claims that record those which last.

namespace geartrain {

void step_dispatcher::heartbeat(const heartbeat_request& asked) {
  std::vector<heartbeat_answer> answers;
  answers.reserve(asked.tokens.size());
  auto expires_at = engine_->now() + engine_->settings.lease;
  for (auto& token : asked.tokens) {
    if (!serves(token.step)) // its owner can't be reached from here, and nobody else knows
      return asked.done(failure{errc::unavailable, "the node that holds this lease can't be reached; try again"});
    auto held = leases_.extend(token.step, token.nonce, expires_at) || revive(token, asked.worker, expires_at);
    if (auto entry = held ? leases_.find(token.step) : nullptr)
      answers.push_back({heartbeat_status::extended, entry->held.expires_at});
    else
      answers.push_back({cancelled_.knows(token) ? heartbeat_status::cancelled : heartbeat_status::lost, {}});
  }
  asked.done(std::move(answers));
}

/// An authentic token that was issued before a restart and whose step nobody else got yet.
bool step_dispatcher::revive(const lease_token& token, const std::string& worker, timestamp expires_at) {
  auto now = engine_->now();
  if (token.expires_at <= now || leases_.find(token.step))
    return false;
  auto step = ready_.remove(token.step);
  if (!step)
    step = paused_.remove(token.step);
  if (!step)
    return false;
  if (dispatch_of(*step) != dispatch_of(token)) {
    if (!paused_.hold(step))
      ready_.push(std::move(step));
    return false;
  }
  lease held{token, worker, token.expires_at - engine_->settings.lease, expires_at};
  leases_.add({std::move(step), held}, false);
  send(engine_->actors->processor_of(task_of(token.step)), steps_leased{{held}});
  return true;
}

void step_dispatcher::adopt(const adopt_leases& message) {
  for (auto& leased : message.leases) {
    auto& token = leased.held.token;
    if (leases_.find(token.step))
      continue;
    take_out(token.step);
    leases_.add(leased, true);
  }
}

void step_dispatcher::record_claims(timestamp older_than) {
  auto db = engine_->actors->db();
  if (recording_ || !db)
    return;
  auto changes = std::make_shared<sync_claims_unit>(leases_.changes(older_than));
  if (changes->held.empty() && changes->released.empty()) {
    answer_losers();
    return answer_drain();
  }
  recording_ = true;
  request(db, caf::infinite, *changes)
    .then(
      [this](const unit_done&) {
        recording_ = false;
        if (draining_ || !losing_.empty())
          record_claims(timestamp::max()); // what began meanwhile
      },
      [this, changes](caf::error&) {
        leases_.changes_lost(*changes);
        recording_ = false;
        answer_losers();
        answer_drain(); // the fence is in the tokens: a missing claim costs a repeated execution at most
      });
}

void step_dispatcher::answer_drain() {
  if (!draining_ || recording_)
    return;
  for (auto& waiter : std::exchange(drained_, {}))
    waiter(static_cast<std::uint32_t>(leases_.size()));
}

} // namespace geartrain
