#include "workflow/restore.hpp"

#include "workflow/acts.hpp"
#include "workflow/batches.hpp"
#include "workflow/expansion.hpp"
#include "workflow/step_transitions.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

namespace geartrain {

namespace {

void replay(step_record& step, const step_outcome& outcome) {
  record_attempt(step, outcome);
  if (outcome.outcome == attempt_outcome::success)
    step.state = step_state::complete;
  else
    step.state = outcome.next_attempt_at ? step_state::waiting_for_retry : step_state::error;
}

/// What the batchable or decision step gave as its result: its successful attempt, or an operator.
json_text result_of(const task_rows& rows, std::uint16_t number, const task_context& context) {
  for (auto& outcome : rows.attempts)
    if (outcome.number == number && outcome.outcome == attempt_outcome::success)
      return outcome.result;
  return context.step(number).result;
}

/// Facts and attempts in the order in which turns wrote them: an act stands between the attempts around it.
class replaying {
public:
  replaying(task_context& context, const task_rows& rows) : context_(context), rows_(rows) {}

  void run() {
    for (auto& outcome : rows_.attempts)
      by_version_.push_back({outcome.version, &outcome, nullptr});
    for (auto& fact : rows_.facts)
      by_version_.push_back({fact.version, nullptr, &fact});
    std::stable_sort(by_version_.begin(), by_version_.end(),
                     [](const entry& a, const entry& b) { return a.version < b.version; });
    for (auto& one : by_version_)
      one.outcome ? take(*one.outcome) : take(*one.fact);
    for (auto& checkpoint : rows_.checkpoints)
      if (exists(checkpoint.number) && !was_reset_after(checkpoint))
        take(checkpoint);
  }

private:
  struct entry {
    std::int32_t version;
    const step_outcome* outcome;
    const task_fact* fact;
  };

  bool was_reset_after(const step_checkpoint& checkpoint) const {
    return std::any_of(rows_.facts.begin(), rows_.facts.end(), [&](const task_fact& fact) {
      return fact.kind == fact_kind::step_reset && fact.number == checkpoint.number &&
             fact.version > checkpoint.version;
    });
  }

  bool exists(std::uint16_t number) const { return number >= 1 && number <= context_.steps.size(); }

  void take(const step_outcome& outcome) {
    if (exists(outcome.number))
      replay(context_.step(outcome.number), outcome);
  }

  void take(const step_checkpoint& checkpoint) {
    auto& step = context_.step(checkpoint.number);
    step.checkpoint = checkpoint.data;
    if (checkpoint.attempt > step.attempts.size())
      step.yields = checkpoint.yields;
    if (!checkpoint.yielded)
      return;
    step.yielded_nonce = checkpoint.lease_nonce;
    step.last_attempted_at = checkpoint.at;
  }

  void take(const task_fact& fact) {
    if (fact.number != 0 && !exists(fact.number))
      return;
    if (fact.kind == fact_kind::decided || fact.kind == fact_kind::batched)
      replay_expansion(context_, fact, result_of(rows_, fact.number, context_));
    else if (fact.number != 0)
      replay_act(context_.step(fact.number), fact);
  }

  task_context& context_;
  const task_rows& rows_;
  std::vector<entry> by_version_;
};

bool is_worker_template(const task_context& context, std::size_t index) {
  return index < context.definition->steps.size() && context.definition->steps[index].type == step_type::batch_worker;
}

bool ended_well(const step_record& step) {
  return step.being == existence::exists && satisfies_children(step.state);
}

/// A worker that no longer holds back what joins its batch.
bool is_finished_worker(const task_context& context, std::uint16_t number) {
  auto& step = context.step(number);
  return satisfies_children(step.state) || (step.state == step_state::error && is_tolerated(context, number));
}

void settle_batches(task_context& context) {
  for (auto& batch : context.batches) {
    batch.unfinished = 0;
    bool failed = false;
    for (std::size_t i = 0; i < batch.cursors.size(); ++i) {
      auto number = static_cast<std::uint16_t>(batch.first + i);
      auto state = context.step(number).state;
      auto blocks = state == step_state::error && !is_tolerated(context, number);
      failed |= blocks;
      batch.unfinished += is_finished_worker(context, number) ? 0 : 1;
      context.tolerated_failures += state == step_state::error && !blocks ? 1 : 0;
    }
    for (std::size_t i = 0; failed && i < batch.cursors.size(); ++i)
      if (auto& step = context.step(static_cast<std::uint16_t>(batch.first + i));
          !satisfies_children(step.state) && step.state != step_state::error)
        step.state = step_state::cancelled;
  }
}

/// Which steps of the template exist, by the same rules as in a running task; parents come first.
void settle_growth(task_context& context) {
  for (auto index : context.definition->order) {
    auto& step = context.steps[index];
    if (step.being != existence::undecided)
      continue;
    step.being = judge(context, index);
    step.late = step.being != existence::undecided;
  }
}

bool holds_back(const task_context& context, std::uint16_t parent) {
  auto& step = context.steps[parent];
  if (step.being == existence::never)
    return false;
  return is_worker_template(context, parent) ? step.remaining_parents > 0 || step.being != existence::exists
                                             : !ended_well(step);
}

void count_open_batches(task_context& context, std::uint16_t index) {
  auto& step = context.steps[index];
  step.remaining_parents = 0;
  for (auto parent : context.definition->steps[index].dependencies)
    if (context.definition->steps[parent].type == step_type::batchable &&
        context.steps[parent].being != existence::never && !ended_well(context.steps[parent]))
      ++step.remaining_parents;
  for (auto& batch : context.batches)
    if (batch.worker == index)
      step.remaining_parents += batch.unfinished;
}

void count_steps(task_context& context) {
  for (auto index : context.definition->order)
    if (is_worker_template(context, index))
      count_open_batches(context, index);
  context.step_counts = {};
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto& step = context.steps[i];
    if (is_worker_template(context, i))
      continue;
    if (step.being == existence::exists)
      ++context.step_counts[static_cast<std::size_t>(step.state)];
    if (step.state == step_state::waiting_for_retry)
      note_retry(context, static_cast<std::uint16_t>(i + 1));
    step.remaining_parents = 0;
    for (auto parent : context.definition->steps[step.definition].dependencies) {
      auto own_source = step.batch != 0 && context.definition->steps[parent].type == step_type::batchable;
      step.remaining_parents += !own_source && holds_back(context, parent) ? 1 : 0;
    }
  }
}

/// Workers that run or wait for a retry have places in their batch. Those that had one before come next, as far as places
/// are left: a reset or a revived batch took some away.
void take_slots(task_context& context) {
  for (auto& batch : context.batches) {
    auto parallelism = context.definition->steps[batch.worker].batch.value_or(batch_settings{}).parallelism;
    auto each = [&](auto visit) {
      for (std::size_t i = 0; i < batch.cursors.size(); ++i)
        visit(context.step(static_cast<std::uint16_t>(batch.first + i)));
    };
    each([&](step_record& step) {
      step.in_slot = step.state == step_state::waiting_for_retry || step.state == step_state::in_progress;
      batch.active += step.in_slot ? 1 : 0;
    });
    each([&](step_record& step) {
      auto had_one = step.attempts.size() > step.forgiven || step.checkpoint;
      if (step.state != step_state::pending || !had_one || batch.active >= parallelism)
        return;
      step.in_slot = true;
      ++batch.active;
    });
  }
}

void cancel_unfinished(task_context& context) {
  for (auto& step : context.steps)
    if (!satisfies_children(step.state))
      step.state = step_state::cancelled;
  context.tolerated_failures = 0;
}

void enqueue_what_may_run(task_context& context, timestamp now) {
  if (is_terminal(context.state) || context.state == task_state::pending || context.blocking_failures() > 0)
    return;
  turn_effects effects;
  for (std::size_t i = 0; i < context.steps.size(); ++i)
    enqueue_if_due(context, static_cast<std::uint16_t>(i + 1), now, effects);
  enqueue_all_ready(context, effects);
}

/// Turns that left the head row alone happened when their last attempt ended.
timestamp last_change(const task_rows& rows) {
  auto last = rows.head.updated_at;
  for (auto& outcome : rows.attempts)
    if (outcome.version > rows.head.version)
      last = std::max(last, outcome.finished_at);
  return last;
}

void take_head(task_context& context, const task_rows& rows) {
  auto& head = rows.head;
  context.id = head.id;
  context.version = std::max(rows.version, head.version);
  context.head = {head.version, head.state, head.paused, head.state_since, head.due_at, head.deadline_at};
  context.state = head.state;
  context.created_at = head.created_at;
  context.updated_at = last_change(rows);
  context.completed_at = head.completed_at;
  context.state_since = head.state_since;
  context.paused = head.paused;
}

} // namespace

std::unique_ptr<task_context> restore_task(const task_rows& rows, template_snapshot definition, timestamp now) {
  auto context = std::make_unique<task_context>();
  context->definition = std::move(definition);
  context->input = input_snapshot{rows.input};
  take_head(*context, rows);
  begin_growth(*context);
  replaying{*context, rows}.run();
  settle_batches(*context);
  settle_growth(*context);
  if (context->state == task_state::cancelled)
    cancel_unfinished(*context);
  count_steps(*context);
  for (auto& claim : rows.claims)
    mark_claimed(*context, claim.number, claim.attempt, claim.claimed_at);
  take_slots(*context);
  enqueue_what_may_run(*context, now);
  resume_if_due(*context, now);
  return context;
}

} // namespace geartrain
