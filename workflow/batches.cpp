#include "workflow/batches.hpp"

#include "workflow/step_transitions.hpp"

#include <algorithm>

namespace geartrain {

namespace {

const step_definition& at(const task_context& context, std::uint16_t index) {
  return context.definition->steps[index];
}

batch_group& group_of(task_context& context, std::uint16_t number) {
  return context.batches[context.step(number).batch - 1u];
}

batch_failure_strategy strategy_of(const task_context& context, std::uint16_t number) {
  return context.definition_of(number).batch.value_or(batch_settings{}).failure_strategy;
}

failure bad(const std::string& why) {
  return {errc::invalid, why};
}

std::string pick_worker_name(const task_context& context, std::uint16_t number, const batch_outcome& outcome) {
  if (!outcome.worker_template_name.empty())
    return outcome.worker_template_name;
  auto& definition = context.definition_of(number);
  if (auto name = worker_named_by(definition.handler.initialization); !name.empty())
    return name;
  std::string only;
  for (auto child : definition.children)
    if (at(context, child).type == step_type::batch_worker) {
      if (!only.empty())
        return {};
      only = at(context, child).name;
    }
  return only;
}

/// Dependencies of a worker, other than those that cut batches, that are not done yet.
std::uint32_t open_parents(const task_context& context, std::uint16_t worker) {
  std::uint32_t open = 0;
  for (auto parent : at(context, worker).dependencies) {
    auto& step = context.steps[parent];
    auto type = at(context, parent).type;
    auto done = type == step_type::batch_worker ? step.being == existence::exists && step.remaining_parents == 0
                                                : satisfies_children(step.state);
    if (type != step_type::batchable && step.being != existence::never && !done)
      ++open;
  }
  return open;
}

template <class Visit>
void each_worker(const batch_group& batch, Visit visit) {
  for (std::size_t i = 0; i < batch.cursors.size(); ++i)
    visit(static_cast<std::uint16_t>(batch.first + i));
}

/// fail_fast: what is not finished never will be.
void cancel_rest(task_context& context, const batch_group& batch, turn_effects& effects) {
  each_worker(batch, [&](std::uint16_t number) {
    auto state = context.step(number).state;
    if (satisfies_children(state) || state == step_state::error || state == step_state::cancelled)
      return;
    fire(context, number, step_event::cancel);
    leave_slot(context, number);
    effects.cancelled.push_back(number);
  });
}

} // namespace

expected<std::uint16_t> check_batch(const task_context& context, std::uint16_t number, const batch_outcome& outcome) {
  auto name = pick_worker_name(context, number, outcome);
  if (name.empty())
    return bad("the batch names no worker: give `worker_template_name` in the outcome or in the step's initialization");
  auto& children = context.definition_of(number).children;
  auto found =
    std::find_if(children.begin(), children.end(), [&](auto child) { return at(context, child).name == name; });
  if (found == children.end() || at(context, *found).type != step_type::batch_worker)
    return bad("'" + name + "' is no batch_worker step that depends on this step");
  if (context.steps[*found].being == existence::never)
    return bad("the batch_worker step '" + name + "' never comes into being in this task");
  auto workers = std::max<std::size_t>(1, outcome.cursors.size());
  if (context.steps.size() + workers > max_steps_per_task)
    return bad("a task may have " + std::to_string(max_steps_per_task) + " steps; " + std::to_string(workers) +
               " more workers are too many");
  return *found;
}

batch_group& add_batch(task_context& context, std::uint16_t number, std::uint16_t worker, batch_outcome outcome,
                       const json_text& result) {
  batch_group batch;
  batch.source_result = without_cursors(result);
  batch.worker = worker;
  batch.source = number;
  batch.first = static_cast<std::uint16_t>(context.steps.size() + 1);
  batch.cursors = std::move(outcome.cursors);
  if (batch.cursors.empty()) {
    batch.no_op = true;
    batch.cursors.push_back({"000", json_text{R"({"batch_id":"000","start_cursor":0,"end_cursor":0,"batch_size":0})"}});
  }
  auto count = static_cast<std::uint32_t>(batch.cursors.size());
  batch.unfinished = count;
  context.batches.push_back(std::move(batch));
  step_record fresh;
  fresh.definition = worker;
  fresh.batch = static_cast<std::uint16_t>(context.batches.size());
  fresh.late = true;
  fresh.remaining_parents = open_parents(context, worker);
  context.steps.resize(context.steps.size() + count, fresh);
  context.step_counts[static_cast<std::size_t>(step_state::pending)] += count;
  context.steps[worker].remaining_parents += count;
  return context.batches.back();
}

bool is_tolerated(const task_context& context, std::uint16_t number) {
  return context.batch_of(number) && strategy_of(context, number) != batch_failure_strategy::fail_fast;
}

void fail_worker(task_context& context, std::uint16_t number, turn_effects& effects) {
  if (is_tolerated(context, number)) {
    ++context.tolerated_failures;
    return finish_step(context, number, effects);
  }
  leave_slot(context, number);
  cancel_rest(context, group_of(context, number), effects);
}

void revive_worker(task_context& context, std::uint16_t number, turn_effects& effects) {
  auto& batch = group_of(context, number);
  batch.next = 0;
  if (is_tolerated(context, number)) {
    --context.tolerated_failures;
    ++batch.unfinished;
    ++context.steps[batch.worker].remaining_parents;
  } else {
    each_worker(batch, [&](std::uint16_t sibling) {
      auto& step = context.step(sibling);
      if (step.state != step_state::cancelled)
        return;
      derive(context, sibling, step.next_attempt_at ? step_state::waiting_for_retry : step_state::pending);
      step.in_slot = step.next_attempt_at.has_value();
      batch.active += step.in_slot ? 1 : 0;
    });
  }
  fill_batch(context, batch, effects);
}

void leave_slot(task_context& context, std::uint16_t number) {
  auto& step = context.step(number);
  if (!step.in_slot)
    return;
  step.in_slot = false;
  --group_of(context, number).active;
}

void enqueue_worker_if_ready(task_context& context, std::uint16_t number, turn_effects& effects) {
  auto& step = context.step(number);
  auto& batch = group_of(context, number);
  auto parallelism = context.definition_of(number).batch.value_or(batch_settings{}).parallelism;
  if (step.state != step_state::pending || step.remaining_parents > 0 || (!step.in_slot && batch.active >= parallelism))
    return;
  if (!step.in_slot) {
    step.in_slot = true;
    ++batch.active;
  }
  fire(context, number, step_event::enqueue);
  effects.enqueued.push_back(number);
}

void fill_batch(task_context& context, batch_group& batch, turn_effects& effects) {
  if (context.blocking_failures() > 0 || context.state == task_state::pending)
    return;
  auto parallelism = at(context, batch.worker).batch.value_or(batch_settings{}).parallelism;
  auto is_waiting = [&](std::uint32_t i) {
    return context.step(static_cast<std::uint16_t>(batch.first + i)).state == step_state::pending;
  };
  while (batch.next < batch.cursors.size() && !is_waiting(batch.next))
    ++batch.next;
  for (auto i = batch.next; i < batch.cursors.size() && batch.active < parallelism; ++i)
    enqueue_worker_if_ready(context, static_cast<std::uint16_t>(batch.first + i), effects);
}

} // namespace geartrain
