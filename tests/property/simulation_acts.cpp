#include "tests/property/simulation.hpp"

#include "workflow/acts.hpp"
#include "workflow/restore.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace geartrain::oracle {

namespace {

/// One of the items, as a number says.
template <class Items>
auto pick(const Items& items, std::size_t number) {
  return *std::next(items.begin(), static_cast<std::ptrdiff_t>(number % items.size()));
}

} // namespace

// -- operators ---------------------------------------------------------------------

bool simulation::act(const happening& what) {
  acted_ = true;
  switch (what.how % 16) {
    case 0:
      return what.how / 16 % 4 == 0 && cancel();
    case 1:
    case 2:
      return pause_or_resume();
    case 3:
      return redrive();
    default:
      return act_on_step(
        what, pick(std::array{act_kind::reset_step, act_kind::resolve_step, act_kind::complete_step}, what.how));
  }
}

bool simulation::act_on_step(const happening& what, act_kind kind) {
  auto number = static_cast<std::uint16_t>(1 + what.which % context_->steps.size());
  auto name = context_->name_of(number);
  operator_act asked{kind, number, "me", "because", {}, {}};
  outcome expansion;
  auto may = oracle_.may_act_on(name);
  if (may && kind == act_kind::reset_step)
    may = oracle_.states().at(name) == step_state::error;
  if (may && kind == act_kind::complete_step) {
    std::tie(asked.result, expansion) = invent_result(name, static_cast<std::uint16_t>(what.how / 16));
    may = oracle_.may_ask_for(name, expansion);
  } else if (may && kind == act_kind::resolve_step && oracle_.definition(name).type == step_type::batchable) {
    expansion = no_batches(name);
    if (!may_be_empty(expansion))
      return false;
    may = oracle_.may_ask_for(name, expansion);
  }
  auto refused = check_act(*context_, asked, rules_);
  if (may == refused.has_value())
    fail("an act on " + name + (may ? " is refused: " + refused->message : std::string(" is allowed")));
  if (!may)
    return false;
  tell("act " + std::to_string(static_cast<int>(kind)) + ": " + name + " " + std::string{asked.result.view()});
  if (kind == act_kind::reset_step)
    oracle_.reset(name);
  else if (kind == act_kind::resolve_step)
    oracle_.resolved(name, expansion);
  else
    oracle_.completed(name, expansion);
  turn_causes causes;
  causes.acts.push_back(std::move(asked));
  turn(std::move(causes));
  return true;
}

bool simulation::pause_or_resume() {
  operator_act asked{context_->paused ? act_kind::resume_task : act_kind::pause_task, 0, "me", "", {}, {}};
  if (check_act(*context_, asked, rules_))
    return false;
  tell(context_->paused ? "resumed" : "paused");
  turn_causes causes;
  causes.acts.push_back(std::move(asked));
  turn(std::move(causes));
  return true;
}

bool simulation::cancel() {
  operator_act asked{act_kind::cancel_task, 0, "me", "", {}, {}};
  auto refused = check_act(*context_, asked, rules_);
  if (refused.has_value() != is_terminal(oracle_.state(held_back_workers())))
    fail("a task in this state is judged wrongly for its cancellation");
  if (refused)
    return false;
  tell("cancelled");
  oracle_.cancelled();
  turn_causes causes;
  causes.acts.push_back(std::move(asked));
  turn(std::move(causes));
  return true;
}

bool simulation::redrive() {
  operator_act asked{act_kind::redrive_task, 0, "me", "", {}, {}};
  if (check_act(*context_, asked, rules_))
    return false;
  tell("redriven");
  oracle_.redriven();
  turn_causes causes;
  causes.acts.push_back(std::move(asked));
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
