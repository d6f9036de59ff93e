#include "workflow/acts.hpp"

#include "workflow/batches.hpp"
#include "workflow/expansion.hpp"
#include "workflow/step_transitions.hpp"
#include "workflow/turn.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

namespace {

using nlohmann::json;

failure conflict(std::string why) {
  return {errc::conflict, std::move(why)};
}

bool is_finished(step_state state) {
  return satisfies_children(state) || state == step_state::cancelled;
}

/// A failed worker whose batch was joined already: nobody would look at another result.
bool is_joined(const task_context& context, std::uint16_t number) {
  auto batch = context.batch_of(number);
  return batch && is_tolerated(context, number) && context.step(number).state == step_state::error &&
         context.steps[batch->worker].remaining_parents == 0;
}

std::optional<failure> check_step_act(const task_context& context, const operator_act& act, const turn_rules& rules) {
  if (act.number < 1 || act.number > context.steps.size() || context.step(act.number).being != existence::exists ||
      (context.definition_of(act.number).type == step_type::batch_worker && !context.batch_of(act.number)))
    return failure{errc::not_found, "the task has no such step"};
  auto state = context.step(act.number).state;
  auto name = "the step '" + context.name_of(act.number) + "' is " + std::string{to_string(state)};
  if (is_terminal(context.state) && context.state != task_state::error)
    return conflict("the task is " + std::string{to_string(context.state)} + "; its steps can't be changed any more");
  if (is_joined(context, act.number))
    return conflict(name + " and its batch has been joined already");
  if (act.kind == act_kind::reset_step)
    return state == step_state::error ? std::nullopt
                                      : std::optional{conflict(name + "; only a failed one can be reset")};
  if (is_finished(state))
    return conflict(name + " already");
  if (act.kind == act_kind::complete_step || act.kind == act_kind::resolve_step)
    return check_expansion_by_hand(context, act.number, act.result, rules.growth);
  return std::nullopt;
}

task_fact new_fact(fact_kind kind, const operator_act& act, timestamp now) {
  task_fact fact;
  fact.kind = kind;
  fact.number = act.number;
  fact.at = now;
  fact.who = act.who;
  fact.reason = act.reason;
  return fact;
}

// -- the task ------------------------------------------------------------------------

void cancel(task_context& context, const operator_act& act, timestamp now, turn_effects& effects) {
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto number = static_cast<std::uint16_t>(i + 1);
    auto& step = context.step(number);
    if (step.being != existence::exists || is_finished(step.state) ||
        (context.definition_of(number).type == step_type::batch_worker && !context.batch_of(number)))
      continue;
    effects.cancelled.push_back(number);
    fire(context, number, step_event::cancel);
  }
  context.tolerated_failures = 0;
  effects.facts.push_back(new_fact(fact_kind::task_cancelled, act, now));
  enter_state(context, task_state::cancelled, now);
}

void pause(task_context& context, const operator_act& act, timestamp now, turn_effects& effects) {
  context.paused = true;
  for (auto number : enqueued_steps(context))
    effects.held_back.push_back(number);
  effects.facts.push_back(new_fact(fact_kind::task_paused, act, now));
}

void resume(task_context& context, const operator_act& act, timestamp now, turn_effects& effects) {
  context.paused = false;
  effects.resumed = true;
  effects.facts.push_back(new_fact(fact_kind::task_resumed, act, now));
}

// -- steps ---------------------------------------------------------------------------

void reset(task_context& context, const operator_act& act, timestamp now, turn_effects& effects) {
  auto& step = context.step(act.number);
  auto fact = new_fact(fact_kind::step_reset, act, now);
  fact.from = step.state;
  fire(context, act.number, step_event::reset_for_retry);
  fact.to = step.state;
  replay_act(step, fact);
  effects.facts.push_back(std::move(fact));
  if (context.batch_of(act.number))
    revive_worker(context, act.number, effects);
}

json_text completion_metadata(const operator_act& act) {
  auto custom = json::object();
  if (act.metadata) {
    auto given = json::parse(act.metadata.view(), nullptr, false);
    if (given.is_object())
      custom = std::move(given);
    else
      custom["operator_metadata"] = std::move(given);
  }
  custom["manually_completed"] = true;
  custom["completed_by"] = act.who;
  custom["completion_reason"] = act.reason;
  return json_text{json{{"custom", std::move(custom)}, {"retryable", false}}.dump()};
}

void end_by_hand(task_context& context, const operator_act& act, const turn_rules& rules, timestamp now,
                 turn_effects& effects) {
  auto& step = context.step(act.number);
  auto completed = act.kind == act_kind::complete_step;
  auto fact = new_fact(completed ? fact_kind::step_completed : fact_kind::step_resolved, act, now);
  fact.from = step.state;
  if (completed)
    fact.data = json_text{"{\"result\":" + std::string{act.result.view_or("null")} +
                          ",\"metadata\":" + std::string{completion_metadata(act).view()} + "}"};
  if (step.state == step_state::enqueued || step.state == step_state::in_progress)
    effects.superseded.push_back(act.number);
  auto failed_worker = step.state == step_state::error && context.batch_of(act.number);
  fire(context, act.number, completed ? step_event::complete_manually : step_event::resolve_manually);
  fact.to = step.state;
  replay_act(step, fact);
  effects.facts.push_back(std::move(fact));
  expand_by_hand(context, act.number, act.result, rules.growth, now, effects);
  if (failed_worker)
    revive_worker(context, act.number, effects);
  finish_step(context, act.number, effects);
}

} // namespace

std::optional<failure> check_act(const task_context& context, const operator_act& act, const turn_rules& rules) {
  auto task_is = "the task is " + std::string{to_string(context.state)};
  switch (act.kind) {
    case act_kind::cancel_task:
    case act_kind::pause_task:
    case act_kind::resume_task:
      return is_terminal(context.state) ? std::optional{conflict(task_is + " already")} : std::nullopt;
    case act_kind::redrive_task:
      return context.state == task_state::error
               ? std::nullopt
               : std::optional{conflict(task_is + "; only a failed one can be redriven")};
    case act_kind::reset_step:
    case act_kind::resolve_step:
    case act_kind::complete_step:
      break;
  }
  return check_step_act(context, act, rules);
}

bool is_done_already(const task_context& context, const operator_act& act) {
  return (act.kind == act_kind::pause_task && context.paused) || (act.kind == act_kind::resume_task && !context.paused);
}

void apply_act(task_context& context, const operator_act& act, const turn_rules& rules, timestamp now,
               turn_effects& effects) {
  switch (act.kind) {
    case act_kind::cancel_task:
      return cancel(context, act, now, effects);
    case act_kind::pause_task:
      return pause(context, act, now, effects);
    case act_kind::resume_task:
      return resume(context, act, now, effects);
    case act_kind::reset_step:
      return reset(context, act, now, effects);
    case act_kind::resolve_step:
    case act_kind::complete_step:
      return end_by_hand(context, act, rules, now, effects);
    case act_kind::redrive_task:
      effects.facts.push_back(new_fact(fact_kind::task_redriven, act, now));
      for (std::size_t i = 0; i < context.steps.size(); ++i) {
        operator_act one{act_kind::reset_step, static_cast<std::uint16_t>(i + 1), act.who, act.reason, {}, {}};
        if (context.step(one.number).state == step_state::error && !is_tolerated(context, one.number))
          reset(context, one, now, effects);
      }
  }
}

void replay_act(step_record& step, const task_fact& fact) {
  switch (fact.kind) {
    case fact_kind::step_reset:
      step.state = step_state::pending;
      step.forgiven = static_cast<std::uint16_t>(step.attempts.size());
      step.next_attempt_at.reset();
      step.checkpoint = {}; // it starts over
      return;
    case fact_kind::step_completed: {
      auto data = json::parse(fact.data.view_or("{}"), nullptr, false);
      step.result = json_text{data.value("result", json{}).dump()};
      step.metadata = json_text{data.value("metadata", json::object()).dump()};
      step.execution_time_ms = 0;
      step.state = step_state::complete;
      break;
    }
    case fact_kind::step_resolved:
      step.state = step_state::resolved_manually;
      break;
    default:
      return;
  }
  step.completed_at = fact.at;
  step.next_attempt_at.reset();
}

} // namespace geartrain
