#include "tests/property/simulation.hpp"

#include "workflow/acts.hpp"

#include <array>

// What operators do.

namespace geartrain::oracle {

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

} // namespace geartrain::oracle
