#include "tests/property/simulation.hpp"

#include "workflow/restore.hpp"
#include "workflow/state_machine.hpp"
#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain::oracle {

namespace {

bool is_placeholder(const task_context& context, std::uint16_t number) {
  return context.definition_of(number).type == step_type::batch_worker && !context.batch_of(number);
}

bool runs(step_state state) {
  return state == step_state::enqueued || state == step_state::in_progress;
}

/// A retry that is due while the task is blocked or given up waits like any other step: whether its timer was there first is not known
/// from the rows.
step_state seen_state(const task_context& context, std::uint16_t number, timestamp now) {
  const auto& its = context.step(number);
  auto is_due = its.state == step_state::waiting_for_retry && its.next_attempt_at && *its.next_attempt_at <= now;
  auto blocked = context.blocking_failures() > 0 || context.state == task_state::error;
  return is_due && blocked ? step_state::pending : its.state;
}

std::string show(const std::map<std::string, step_state>& states) {
  std::string out;
  for (const auto& [name, state] : states)
    out += " " + name + "=" + std::string{to_string(state)};
  return out;
}

} // namespace

void simulation::tell(const std::string& what) {
  story_.push_back(what);
}

void simulation::fail(const std::string& why) const {
  std::string out = why + "\n\n" + text_ + "\n\n";
  for (const auto& line : story_)
    out += line + "\n";
  out += "\nthe rules:  " + std::string{to_string(context_->state)};
  std::map<std::string, step_state> live;
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number)
    if (context_->step(number).being == existence::exists && !is_placeholder(*context_, number))
      live[context_->name_of(number)] = context_->step(number).state;
  out += show(live) + "\nthe oracle: " + std::string{to_string(oracle_.state(held_back_workers()))} +
         show(oracle_.states()) + "\n";
  throw defect(out);
}

std::uint16_t simulation::number_of_name(const std::string& name) const {
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number)
    if (context_->name_of(number) == name && !is_placeholder(*context_, number))
      return number;
  return 0;
}

/// Workers that wait for a place in their batch: which ones is the engine's choice.
std::set<std::string> simulation::held_back_workers() const {
  std::set<std::string> out;
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number)
    if (context_->batch_of(number) && context_->step(number).state == step_state::pending)
      out.insert(context_->name_of(number));
  return out;
}

void simulation::check() {
  check_states();
  check_batches();
  check_counts();
  check_dispatch();
  check_inputs();
  check_history();
  check_restored();
}

void simulation::check_states() {
  auto wanted = oracle_.states();
  auto held_back = held_back_workers();
  auto beings = oracle_.beings();
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number) {
    auto name = context_->name_of(number);
    const auto& its = context_->step(number);
    if (number <= context_->definition->steps.size() &&
        static_cast<int>(beings.at(name)) != static_cast<int>(its.being))
      fail("the being of " + name + " is " + std::to_string(static_cast<int>(its.being)) + ", not " +
           std::to_string(static_cast<int>(beings.at(name))));
    if (its.being != existence::exists || is_placeholder(*context_, number))
      continue;
    auto known = wanted.find(name);
    if (known == wanted.end())
      fail(name + " should not exist");
    auto state = seen_state(*context_, number, now_);
    auto same = known->second == state ||
                (known->second == step_state::waiting_for_retry && known->second == its.state) ||
                (known->second == step_state::enqueued && held_back.contains(name));
    if (!same)
      fail(name + " should be " + std::string{to_string(known->second)});
    wanted.erase(known);
  }
  if (!wanted.empty())
    fail(wanted.begin()->first + " should exist");
  if (context_->state == task_state::waiting_for_dependencies)
    fail("what holds the steps back neither runs nor waits nor has failed");
  if (context_->state != oracle_.state(held_back))
    fail("the task should be " + std::string{to_string(oracle_.state(held_back))});
}

/// What a handler is given is what the steps above its own gave.
void simulation::check_inputs() const {
  for (auto number : offered_) {
    auto name = context_->name_of(number);
    auto ready = make_ready_step(*context_, number, now_);
    if (ready->name() != name || ready->attempt != context_->step(number).attempts.size() + 1)
      fail(name + " is offered as something else");
    auto wanted = oracle_.results_for(name);
    for (const auto& given : ready->dependency_results) {
      auto from = given.instance.empty() ? context_->definition->steps[given.definition].name : given.instance;
      auto known = wanted.find(from);
      auto kind = known == wanted.end()                            ? std::optional<dependency_result::kind>{}
                  : known->second == step_state::complete          ? dependency_result::kind::completed
                  : known->second == step_state::resolved_manually ? dependency_result::kind::resolved_manually
                                                                   : dependency_result::kind::failed;
      if (kind != given.is)
        fail(name + " is given a wrong result of " + from);
      wanted.erase(known);
    }
    if (!wanted.empty())
      fail(name + " is not given the result of " + wanted.begin()->first);
  }
}

/// No more workers of a batch than it may have at a time, and no fewer than it could have.
void simulation::check_batches() const {
  auto wanted = oracle_.states();
  for (const auto& batch : context_->batches) {
    std::size_t running = 0;
    std::size_t waiting = 0;
    std::size_t held_back = 0;
    for (std::size_t i = 0; i < batch.cursors.size(); ++i) {
      auto number = static_cast<std::uint16_t>(batch.first + i);
      auto state = context_->step(number).state;
      running += runs(state) ? 1 : 0;
      waiting += state == step_state::waiting_for_retry ? 1 : 0;
      auto may_run = wanted.at(context_->name_of(number)) == step_state::enqueued;
      held_back += state == step_state::pending && may_run ? 1 : 0;
    }
    auto most = context_->definition->steps[batch.worker].batch->parallelism;
    if (running > most)
      fail("a batch has more workers than its parallelism allows");
    if (held_back > 0 && running + waiting < most && context_->blocking_failures() == 0 &&
        !is_terminal(context_->state))
      fail("a batch has fewer workers than its parallelism allows");
  }
}

void simulation::check_counts() const {
  std::array<std::uint32_t, step_state_count> counts{};
  std::uint32_t tolerated = 0;
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number) {
    const auto& its = context_->step(number);
    if (its.being != existence::exists || is_placeholder(*context_, number))
      continue;
    ++counts[static_cast<std::size_t>(its.state)];
    if (its.state == step_state::error && context_->batch_of(number) &&
        context_->definition_of(number).batch->failure_strategy != batch_failure_strategy::fail_fast)
      ++tolerated;
  }
  if (counts != context_->step_counts)
    fail("the counts of step states are wrong");
  if (tolerated != context_->tolerated_failures)
    fail("the count of tolerated failures is wrong");
  std::optional<timestamp> due;
  for (const auto& its : context_->steps)
    if (its.state == step_state::waiting_for_retry && (!due || its.next_attempt_at < due))
      due = its.next_attempt_at;
  if (earliest_retry(*context_) != due)
    fail("the earliest retry is not known");
}

/// Nothing is lost: what may run is offered to workers, what runs is held by one, what waits has a timer.
void simulation::check_dispatch() const {
  auto ended = is_terminal(context_->state);
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number) {
    const auto& its = context_->step(number);
    auto name = context_->name_of(number);
    auto offered = offered_.contains(number);
    if (its.state == step_state::enqueued && !offered && !context_->paused && !ended)
      fail(name + " may run, but no worker will ever get it");
    if (offered && its.state != step_state::enqueued)
      fail(name + " is offered to workers, but may not run");
    if ((its.state == step_state::in_progress) != leases_.contains(number))
      fail(name + " is with a worker for one side only");
    if (its.state == step_state::waiting_for_retry && !timers_.contains(number) && context_->blocking_failures() == 0 &&
        !ended)
      fail(name + " waits for a retry that nothing will wake");
  }
}

void simulation::check_history() {
  auto state = context_->state;
  if (state != last_state_) {
    // A failed task that an operator revived begins again, by way of other states.
    auto revived = acted_ && (last_state_ == task_state::error || last_state_ == task_state::blocked_by_failures);
    if (is_terminal(last_state_) && !revived)
      fail("a task in " + std::string{to_string(last_state_)} + " went on");
    if (!revived && !may_move(last_state_, state))
      fail("a task can't come from " + std::string{to_string(last_state_)});
  }
  last_state_ = state;
  acted_ = false;
  for (std::uint16_t number = 1; number <= context_->steps.size(); ++number) {
    std::size_t successes = 0;
    for (const auto& attempt : context_->step(number).attempts)
      successes += attempt.outcome == attempt_outcome::success ? 1 : 0;
    if (successes > 1)
      fail(context_->name_of(number) + " succeeded twice");
  }
}

/// What the rows say is what is known.
void simulation::check_restored() const {
  auto again = restore_task(rows(true), context_->definition, now_);
  const auto& live = *context_;
  // Who has a place in a batch means nothing while nothing may run.
  auto may_go_on = !is_terminal(live.state) && live.blocking_failures() == 0;
  auto wrong = [&](const std::string& what) { fail("restored from its rows, the task has another " + what); };
  if (again->state != live.state)
    wrong("state: " + std::string{to_string(again->state)});
  // That a due retry went on is not written, so its time is not known either.
  auto same_state = rows_.head.state == live.state;
  if (again->version != live.version || again->paused != live.paused ||
      (same_state && again->state_since != live.state_since))
    wrong("head");
  if (again->steps.size() != live.steps.size())
    wrong("number of steps");
  if ((may_go_on && again->step_counts != live.step_counts) || again->tolerated_failures != live.tolerated_failures)
    wrong("count of step states");
  for (std::uint16_t number = 1; number <= live.steps.size(); ++number) {
    const auto& a = live.step(number);
    const auto& b = again->step(number);
    auto of = " of " + live.name_of(number);
    if (live.name_of(number) != again->name_of(number))
      wrong("name" + of);
    if (a.being != b.being)
      wrong("being" + of);
    if (a.remaining_parents != b.remaining_parents)
      wrong("number of remaining parents" + of + ": " + std::to_string(b.remaining_parents) + ", not " +
            std::to_string(a.remaining_parents));
    if (a.being != existence::exists || is_placeholder(live, number))
      continue;
    // Which workers of a batch have its places is decided anew.
    auto waits_in_batch = [&](step_state state) {
      return live.batch_of(number) && (state == step_state::pending || state == step_state::enqueued);
    };
    auto same = seen_state(live, number, now_) == seen_state(*again, number, now_) ||
                (waits_in_batch(a.state) && waits_in_batch(b.state));
    if (!same)
      wrong("state" + of + ": " + std::string{to_string(b.state)});
    if (a.late != b.late || a.requested_by != b.requested_by)
      wrong("origin" + of);
    if (a.forgiven != b.forgiven || a.attempts.size() != b.attempts.size())
      wrong("number of attempts" + of);
    if (a.result != b.result || a.error != b.error || a.metadata != b.metadata || a.checkpoint != b.checkpoint)
      wrong("result" + of);
    if (may_go_on && a.next_attempt_at != b.next_attempt_at)
      wrong("time of the next attempt" + of);
    // The token of a yield means nothing any more once its attempt is over, as it is before a reset.
    if (a.completed_at != b.completed_at ||
        (a.forgiven == 0 && (a.yielded_nonce != b.yielded_nonce || a.yields != b.yields)))
      wrong("record" + of);
    if (may_go_on && a.in_slot != b.in_slot && !waits_in_batch(a.state))
      wrong("place in its batch" + of);
  }
  for (std::size_t i = 0; i < live.batches.size(); ++i) {
    const auto& a = live.batches[i];
    const auto& b = again->batches[i];
    if (a.first != b.first || a.unfinished != b.unfinished || (may_go_on && a.active != b.active))
      wrong("batch");
  }
}

} // namespace geartrain::oracle
