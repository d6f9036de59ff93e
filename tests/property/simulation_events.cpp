#include "tests/property/simulation.hpp"

#include "workflow/restore.hpp"

#include <algorithm>

namespace geartrain::oracle {

void simulation::work(const happening& what) {
  auto kind = what.kind % 32;
  bool done = false;
  if (kind >= 31)
    done = weather_.restarts && restart(what);
  else if (kind >= 26)
    done = weather_.acts && act(what);
  else if (kind >= 23)
    done = weather_.duplicates && resend(what);
  else if (kind >= 19)
    done = weather_.failures && (kind == 22 && what.how % 8 == 7 ? weather_.delays && pass_much_time()
                                 : kind == 19                    ? yield(what)
                                 : kind == 20                    ? give_back(what)
                                                                 : expire(what));
  else if (kind >= 16)
    done = report_several(what);
  else if (kind >= 8)
    done = take(what);
  if (!done)
    done = report(what) || take(what) || pass_time();
}

// -- workers -----------------------------------------------------------------------

bool simulation::take(const happening& what) {
  return !offered_.empty() && take_number(pick(offered_, what.which));
}

bool simulation::take_number(std::uint16_t number) {
  offered_.erase(number);
  lease held;
  held.token.step = make_step_id(context_->id, number);
  held.token.attempt = static_cast<std::uint16_t>(context_->step(number).attempts.size() + 1);
  held.token.yields = context_->step(number).yields;
  held.token.nonce = next_nonce_++;
  held.token.expires_at = now_ + std::chrono::seconds{30};
  held.worker = "w";
  held.claimed_at = now_;
  held.expires_at = held.token.expires_at;
  mark_started(*context_, number, now_);
  leases_[number] = held;
  tokens_.push_back({held, fate::held});
  oracle_.taken(context_->name_of(number));
  tell("taken: " + context_->name_of(number));
  return true;
}

bool simulation::give_back(const happening& what) {
  if (leases_.empty())
    return false;
  auto number = pick(leases_, what.which).first;
  end_lease(number, 0, fate::gone);
  mark_returned(*context_, number);
  offered_.insert(number);
  oracle_.given_back(context_->name_of(number));
  tell("given back: " + context_->name_of(number));
  if (context_->blocking_failures() > 0)
    turn({}); // nothing new is dispatched: it is taken out again
  return true;
}

bool simulation::yield(const happening& what) {
  if (leases_.empty())
    return false;
  auto [number, held] = pick(leases_, what.which);
  turn_causes causes;
  step_checkpoint checkpoint{
    number, held.token.attempt,          held.token.nonce, true, static_cast<std::uint16_t>(held.token.yields + 1),
    now_,   json_text{R"({"cursor":1})"}};
  causes.checkpoints.push_back(checkpoint);
  oracle_.given_back(context_->name_of(number));
  tell("yielded: " + context_->name_of(number));
  turn(std::move(causes));
  return true;
}

/// A report about an attempt, classified; the oracle is told what it means.
step_outcome simulation::judge_report(std::uint16_t number, const lease& held, const happening& what) {
  auto name = context_->name_of(number);
  step_report report;
  report.token = held.token;
  report.worker = "w";
  auto fails = weather_.failures && what.how % 4 == 3;
  report.success = !fails;
  if (fails) {
    report.retryable = what.how / 4 % 4 != 0;
    report.error = json_text{R"({"message":"no"})"};
    auto out = classify(report, *context_, held.claimed_at, now_, {}, 0.5);
    oracle_.failed(name, {report.retryable, out.next_attempt_at > now_});
    remember_delay(number, out);
    tell("failed: " + name + (report.retryable ? "" : " for good"));
    return out;
  }
  auto [result, asked] = invent_result(name, static_cast<std::uint16_t>(what.how / 4));
  report.result = result;
  auto out = classify(report, *context_, held.claimed_at, now_, {}, 0.5);
  tell("succeeded: " + name + " " + std::string{result.view()});
  if (oracle_.may_ask_for(name, asked))
    oracle_.succeeded(name, asked);
  else
    oracle_.failed(name, {false, false});
  return out;
}

step_outcome simulation::end_attempt(std::uint16_t number, const happening& what) {
  const auto held = leases_.at(number);
  auto verdict = fence(*context_, &held, held.token, now_);
  if (verdict != fence_verdict::current)
    fail("the lease of " + context_->name_of(number) + " is not worth anything");
  return judge_report(number, held, what);
}

bool simulation::report(const happening& what) {
  if (leases_.empty())
    return false;
  turn_causes causes;
  causes.outcomes.push_back(end_attempt(pick(leases_, what.which).first, what));
  turn(std::move(causes));
  return true;
}

/// Several attempts end in one turn.
bool simulation::report_several(const happening& what) {
  if (leases_.empty())
    return false;
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, held] : leases_)
    if (what.which / (1U << number % 16U) % 2 == 0)
      numbers.push_back(number);
  if (what.how % 2 == 1)
    std::reverse(numbers.begin(), numbers.end());
  turn_causes causes;
  auto how = what.how / 2U;
  for (auto number : numbers) {
    auto name = context_->name_of(number);
    // The oracle is told one after the other: what comes later in a turn may meet a step that was cancelled earlier.
    if (oracle_.states().at(name) != step_state::in_progress)
      continue;
    happening one{0, 0, static_cast<std::uint16_t>(how)};
    how = how * 5 + 3;
    causes.outcomes.push_back(end_attempt(number, one));
  }
  turn(std::move(causes));
  return true;
}

bool simulation::expire(const happening& what) {
  if (leases_.empty())
    return false;
  auto [number, held] = pick(leases_, what.which);
  turn_causes causes;
  auto timed_out = what.how % 3 == 2;
  causes.outcomes.push_back(timed_out ? classify_timeout(held, *context_, now_, {}, 0.5)
                                      : classify_expiry(held, *context_, now_));
  auto waits = causes.outcomes.front().next_attempt_at > now_;
  if (waits && !timed_out)
    fail("an expired lease waits for a retry");
  oracle_.failed(context_->name_of(number), {true, waits});
  remember_delay(number, causes.outcomes.front());
  tell((timed_out ? "timed out: " : "expired: ") + context_->name_of(number));
  turn(std::move(causes));
  for (auto& token : tokens_)
    if (token.held.token.nonce == held.token.nonce)
      token.what = fate::expired;
  return true;
}

bool simulation::pass_time() {
  if (timers_.empty())
    return false;
  auto first =
    std::min_element(timers_.begin(), timers_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  now_ = std::max(now_, first->second);
  fire_due_timers();
  return true;
}

/// Nothing happens for longer than the task may take.
bool simulation::pass_much_time() {
  auto later = now_ + std::chrono::minutes{61};
  auto at_rest = *context_;
  if (!stale_verdict(at_rest, rules_.staleness, later))
    return false;
  now_ = later;
  tell("much time passes");
  fire_due_timers();
  if (!stale_verdict(*context_, rules_.staleness, now_))
    return true;
  oracle_.went_stale();
  tell("stale");
  turn_causes causes;
  causes.deadline = true;
  turn(std::move(causes));
  return true;
}

/// A token that was given out at some time comes again.
bool simulation::resend(const happening& what) {
  if (tokens_.empty())
    return false;
  auto sent = pick(tokens_, what.which);
  auto number = number_of(sent.held.token.step);
  auto held = leases_.find(number);
  auto verdict = fence(*context_, held == leases_.end() ? nullptr : &held->second, sent.held.token, now_);
  const auto& its = context_->step(number);
  // A token that was lost on its way, or that a restart forgot, is as good as any as long as nobody else got the step.
  auto still_good = sent.what == fate::gone && held == leases_.end() && its.state == step_state::enqueued &&
                    sent.held.token.attempt == its.attempts.size() + 1 && sent.held.token.yields == its.yields &&
                    sent.held.token.expires_at > now_ && !is_terminal(context_->state);
  auto wanted = sent.what == fate::held || still_good ? fence_verdict::current
                : sent.what == fate::reported         ? fence_verdict::duplicate
                                                      : fence_verdict::stale;
  if (verdict != wanted)
    fail("a token of " + context_->name_of(number) + " attempt " + std::to_string(sent.held.token.attempt) +
         " is judged as " + std::to_string(static_cast<int>(verdict)) + ", not " +
         std::to_string(static_cast<int>(wanted)));
  if (!still_good)
    return true;
  tell("comes late:");
  oracle_.taken(context_->name_of(number));
  turn_causes causes;
  causes.outcomes.push_back(judge_report(number, sent.held, what));
  turn(std::move(causes));
  return true;
}

// -- crashes -----------------------------------------------------------------------

/// The node forgets everything but the rows; only some claims were recorded.
bool simulation::restart(const happening& what) {
  std::erase_if(leases_, [&](const auto& entry) {
    if (what.how / (1U << entry.first % 16U) % 2 == 0)
      return false;
    for (auto& token : tokens_)
      if (token.held.token.nonce == entry.second.token.nonce)
        token.what = fate::gone;
    oracle_.given_back(context_->name_of(entry.first));
    return true;
  });
  tell("restarted, with " + std::to_string(leases_.size()) + " claims");
  context_ = restore_task(rows(true), context_->definition, now_);
  for (auto& [number, held] : leases_)
    mark_claimed(*context_, number, held.token.attempt, held.claimed_at);
  offered_.clear();
  timers_.clear();
  arm_timer(0);
  for (std::size_t i = 0; i < context_->steps.size() && !is_terminal(context_->state); ++i) {
    auto number = static_cast<std::uint16_t>(i + 1);
    const auto& its = context_->steps[i];
    if (its.state == step_state::enqueued && !context_->paused)
      offered_.insert(number);
    arm_timer(number);
  }
  if (nothing_to_run(*context_) && resting_state(*context_) != context_->state)
    turn({});
  return true;
}

} // namespace geartrain::oracle
