#include "tests/property/simulation.hpp"

#include "tests/property/random_template.hpp"
#include "workflow/restore.hpp"

#include <algorithm>

namespace geartrain::oracle {

namespace {

const timestamp beginning{std::chrono::seconds{1700000000}};
constexpr milliseconds start_delay{10};

} // namespace

simulation::simulation(const std::vector<step>& steps, std::size_t turn, weather kind)
  : text_(to_text(steps, turn)), weather_(kind), oracle_(steps, kind.delays && turn % 2 == 1), now_(beginning) {
  task_input input;
  input.context = json_text{"{}"};
  input.requested_at = now_;
  if (oracle_.state() == task_state::pending)
    input.start_at = now_ + start_delay;
  context_ = new_task(make_task_id(milliseconds{1700000000000}, 1), template_snapshot{parse_text(text_)},
                      input_snapshot{input}, now_);
  rows_.input = input;
  auto& head = rows_.head;
  head.id = context_->id;
  head.template_id = 1;
  head.state = context_->state;
  head.version = context_->version;
  head.steps_total = context_->existing_steps();
  head.created_at = head.updated_at = head.state_since = now_;
  context_->head.state = context_->state;
  context_->head.state_since = now_;
  for (auto number : enqueued_steps(*context_))
    offered_.insert(number);
  arm_timer(0);
  last_state_ = context_->state;
  check();
}

void simulation::happen(const happening& what) {
  now_ += milliseconds{1};
  fire_due_timers();
  work(what);
  check();
}

void simulation::finish(const std::vector<happening>& how) {
  constexpr std::size_t patience = 20'000;
  for (std::size_t i = 0; i < patience; ++i) {
    if (is_terminal(context_->state))
      return;
    if (context_->paused) {
      pause_or_resume();
      continue;
    }
    auto what = how.empty() ? happening{} : how[i % how.size()];
    what.kind = 0;
    what.how = 0;
    happen(what);
    if (offered_.empty() && leases_.empty() && timers_.empty() && !is_terminal(context_->state))
      fail("nothing will ever happen again, and the task is not at its end");
  }
  fail("it never ends");
}

// -- a turn, as the actors do it -----------------------------------------------------

void simulation::turn(turn_causes causes) {
  auto effects = advance(*context_, causes, rules_, now_);
  if (context_->blocking_failures() > 0 && context_->count(step_state::enqueued) > 0 && !is_terminal(context_->state)) {
    auto waiting = enqueued_steps(*context_);
    for (auto number : waiting)
      offered_.erase(number);
    withdraw(*context_, waiting);
    effects.enqueued.clear();
  }
  turn_facts appended;
  appended.outcomes = std::move(causes.outcomes);
  appended.checkpoints = std::move(causes.checkpoints);
  appended.facts = effects.facts;
  auto touched = appended.outcomes;
  auto state = resting_state(*context_);
  auto rests = nothing_to_run(*context_);
  auto silent =
    appended.empty() && (rests ? state == context_->state : !effects.started && context_->blocking_failures() == 0);
  if (silent) {
    if (!rests)
      resume_if_due(*context_, now_);
    announce(effects, appended);
  } else {
    auto kept = appended;
    commit(close_turn(*context_, std::move(appended), state, rules_, now_));
    announce(effects, kept);
  }
  for (const auto& outcome : touched)
    arm_timer(outcome.number);
  // The task of a revived step may have been forgotten, and with it its timers.
  for (std::uint16_t number = 0; effects.revived && number <= context_->steps.size(); ++number)
    arm_timer(number);
  // A task that was blocked goes on with retries that were due meanwhile.
  for (auto [number, at] : delays_)
    if (at <= now_)
      oracle_.retry_due(context_->name_of(number));
  if (nothing_to_run(*context_) && resting_state(*context_) != context_->state)
    turn({});
}

/// Number 0 is the start of the task.
void simulation::arm_timer(std::uint16_t number) {
  if (number == 0) {
    if (context_->state == task_state::pending && context_->input->start_at)
      timers_[0] = *context_->input->start_at;
    return;
  }
  const auto& its = context_->step(number);
  if (its.state == step_state::waiting_for_retry && its.next_attempt_at)
    timers_[number] = *its.next_attempt_at;
}

void simulation::remember_delay(std::uint16_t number, const step_outcome& outcome) {
  delays_.erase(number);
  if (outcome.next_attempt_at)
    delays_[number] = *outcome.next_attempt_at;
}

void simulation::commit(turn_record record) {
  rows_.version = ++context_->version;
  if (record.writes_head)
    move_head(record);
  for (auto& outcome : record.appended.outcomes) {
    outcome.version = context_->version;
    rows_.attempts.push_back(std::move(outcome));
  }
  std::stable_sort(rows_.attempts.begin(), rows_.attempts.end(), [](const step_outcome& a, const step_outcome& b) {
    return std::pair{a.number, a.attempt} < std::pair{b.number, b.attempt};
  });
  for (auto& fact : record.appended.facts) {
    fact.version = context_->version;
    rows_.facts.push_back(std::move(fact));
  }
  for (auto& checkpoint : record.appended.checkpoints) {
    checkpoint.version = context_->version;
    std::erase_if(rows_.checkpoints, [&](const step_checkpoint& old) { return old.number == checkpoint.number; });
    rows_.checkpoints.push_back(std::move(checkpoint));
  }
}

void simulation::move_head(const turn_record& record) {
  auto& head = rows_.head;
  head.state = record.state;
  head.version = context_->version;
  head.steps_total = record.steps_total;
  head.updated_at = record.now;
  head.completed_at = record.completed_at;
  head.due_at = record.due_at;
  head.deadline_at = record.deadline_at;
  head.state_since = record.state_since;
  head.paused = record.paused;
}

/// What the dispatcher is told after a turn.
void simulation::announce(const turn_effects& effects, const turn_facts& appended) {
  for (const auto& outcome : appended.outcomes)
    end_lease(outcome.number, outcome.lease_nonce,
              outcome.outcome == attempt_outcome::lease_expired || outcome.outcome == attempt_outcome::timed_out
                ? fate::expired
                : fate::reported);
  for (const auto& checkpoint : appended.checkpoints)
    end_lease(checkpoint.number, checkpoint.lease_nonce, fate::yielded);
  for (const auto* list : {&effects.cancelled, &effects.superseded})
    for (auto number : *list)
      if (offered_.erase(number) == 0)
        end_lease(number, 0, fate::gone);
  for (auto number : effects.held_back)
    offered_.erase(number);
  if (context_->paused)
    return;
  for (auto number : effects.resumed || effects.revived ? enqueued_steps(*context_) : effects.enqueued)
    offered_.insert(number);
}

/// Ends the lease with this nonce, or whatever lease the step has if it is 0.
void simulation::end_lease(std::uint16_t number, std::uint64_t nonce, fate what) {
  auto held = leases_.find(number);
  auto ends = held != leases_.end() && (nonce == 0 || held->second.token.nonce == nonce);
  if (ends && nonce == 0)
    nonce = held->second.token.nonce;
  if (ends)
    leases_.erase(held);
  else
    offered_.erase(number); // its attempt ended by a lease that a restart forgot
  for (auto& token : tokens_)
    if (nonce != 0 && token.held.token.nonce == nonce)
      token.what = what;
}

void simulation::fire_due_timers() {
  turn_causes causes;
  for (auto [number, at] : timers_)
    if (at <= now_ && number == 0 && context_->state == task_state::pending) {
      causes.due_steps.push_back(number);
      oracle_.started();
    } else if (at <= now_ && number > 0 && context_->step(number).state == step_state::waiting_for_retry) {
      causes.due_steps.push_back(number);
      oracle_.retry_due(context_->name_of(number));
    }
  std::erase_if(timers_, [&](const auto& timer) { return timer.second <= now_; });
  if (causes.empty())
    return;
  tell("time has come");
  turn(std::move(causes));
  check();
}

task_rows simulation::rows(bool with_claims) const {
  auto out = rows_;
  for (const auto& [number, held] : leases_)
    if (with_claims)
      out.claims.push_back({number, held.token.attempt, held.token.yields, held.token.epoch, held.token.nonce,
                            held.worker, held.claimed_at, held.token.expires_at, held.expires_at});
  return out;
}

} // namespace geartrain::oracle
