#include "actors/result_processor.hpp"

#include "actors/result_processor_impl.hpp"
#include "workflow/fencing.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

namespace geartrain {

result_processor::result_processor(caf::actor_config& config, engine_ptr engine, std::size_t shard)
  // Turn numbers of a restarted processor must not meet those of its predecessor, whose turns may still close.
  : actor_base(config), engine_(std::move(engine)), shard_(shard), next_turn_(engine_->random() >> 8 | 1) {}

result_processor::behavior_type result_processor::make_behavior() {
  return {
    [this](const submit_reports& message) { submit(message); },
    [this](turn_closed& closed) { close(closed); },
    [this](const steps_leased& message) { lease_begins(message); },
    [this](const adopt_task& message) { adopt(message); },
    [this](const read_task_request& request) { read(request); },
    [this](const timer_due& due) { retry_due(due); },
    [this](const lease_ended& message) { lease_ends(message); },
    [this](const recover_request& request) { recover(request); },
    [this](const evict_task& message) { evict(message); },
    [this](const drain_request& request) { drain(request); },
    [this](const reload_task& again) { load(again.id); },
    [this](continue_recovery) { next_page(); },
  };
}

// -- what arrives ----------------------------------------------------------------

void result_processor::submit(const submit_reports& message) {
  auto now = engine_->now();
  std::vector<task_id> touched;
  for (auto& report : message.reports) {
    auto id = task_of(report.report.token.step);
    touch(id).waiting.reports.push_back({report, now, false});
    touched.push_back(id);
  }
  // All reports of the call are in before the first turn opens, so that those of one task share one.
  for (auto& id : touched)
    proceed(id);
}

void result_processor::read(const read_task_request& request) {
  auto id = task_of(request.id);
  touch(id).readers.push_back(request.done);
  proceed(id);
}

void result_processor::retry_due(const timer_due& due) {
  auto id = task_of(due.step);
  touch(id).waiting.due.push_back(number_of(due.step));
  proceed(id);
}

void result_processor::lease_begins(const steps_leased& message) {
  for (auto& held : message.leases) {
    auto found = tasks_.find(task_of(held.token.step));
    if (found == tasks_.end())
      continue; // the task is over: the lease will end as stale
    found->second.leases[number_of(held.token.step)] = held;
    found->second.started.push_back(held);
    if (found->second.where == resident_task::place::home)
      settle_leases(found->second);
  }
}

void result_processor::lease_ends(const lease_ended& message) {
  auto id = task_of(message.held.token.step);
  auto number = number_of(message.held.token.step);
  if (message.expired) {
    touch(id).waiting.expired.push_back(message.held);
    return proceed(id);
  }
  auto found = tasks_.find(id);
  if (found == tasks_.end())
    return;
  auto& task = found->second;
  auto known = task.leases.find(number);
  if (known == task.leases.end() || known->second.token.nonce != message.held.token.nonce)
    return;
  task.leases.erase(known);
  std::erase_if(task.started, [&](const lease& l) { return l.token.nonce == message.held.token.nonce; });
  task.returned.push_back(number);
  if (task.where == resident_task::place::home)
    settle_leases(task);
}

resident_task& result_processor::touch(const task_id& id) {
  auto& task = tasks_[id];
  if (task.where == resident_task::place::away)
    load(id);
  return task;
}

// -- a turn ------------------------------------------------------------------------

void result_processor::proceed(const task_id& id) {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.where != resident_task::place::home)
    return;
  auto& task = found->second;
  settle_leases(task);
  if (!task.readers.empty()) {
    task_snapshot copy{*task.context};
    for (auto& waiter : std::exchange(task.readers, {}))
      waiter(copy);
  }
  auto outcomes = gather(task);
  auto& context = *task.context;
  auto must_rest = nothing_to_run(context) && resting_state(context) != context.state;
  if (!outcomes.empty() || !task.open.due.empty() || must_rest)
    open_turn(task, std::move(outcomes));
  else if (is_terminal(context.state))
    forget(id);
  if (draining_)
    answer_drain();
}

void result_processor::settle_leases(resident_task& task) {
  for (auto number : std::exchange(task.returned, {}))
    if (!task.leases.contains(number))
      mark_returned(*task.context, number);
  for (auto& held : std::exchange(task.started, {}))
    if (auto number = number_of(held.token.step); number >= 1 && number <= task.context->steps.size())
      if (held.token.attempt == task.context->steps[number - 1u].attempts.size() + 1)
        mark_started(*task.context, number, held.claimed_at);
}

std::vector<step_outcome> result_processor::gather(resident_task& task) {
  std::vector<step_outcome> outcomes;
  if (task.waiting.empty())
    return outcomes;
  auto input = std::exchange(task.waiting, {});
  for (auto& pending : input.reports)
    fence_report(task, pending, outcomes);
  auto now = engine_->now();
  for (auto& expired : input.expired) {
    auto number = number_of(expired.token.step);
    auto known = task.leases.find(number);
    auto current = known != task.leases.end() && known->second.token.nonce == expired.token.nonce;
    auto reported = std::find(task.touched.begin(), task.touched.end(), number) != task.touched.end();
    if (!current || reported || fence(*task.context, &expired, expired.token, now) != fence_verdict::current)
      continue;
    outcomes.push_back(classify_expiry(expired, task.context->definition->steps[number - 1u], now));
    task.touched.push_back(number);
    task.open.expired.push_back(std::move(expired));
  }
  for (auto number : input.due)
    if (task.context->steps[number - 1u].state == step_state::waiting_for_retry)
      task.open.due.push_back(number);
  return outcomes;
}

void result_processor::fence_report(resident_task& task, pending_report& pending, std::vector<step_outcome>& outcomes) {
  auto& report = pending.message.report;
  auto& answer = pending.message.done;
  auto number = number_of(report.token.step);
  auto now = engine_->now();
  if (std::find(task.touched.begin(), task.touched.end(), number) != task.touched.end()) {
    task.waiting.reports.push_back(std::move(pending)); // the turn that is being gathered decides about it
    return;
  }
  auto known = task.leases.find(number);
  auto held = known != task.leases.end() ? &known->second : nullptr;
  switch (fence(*task.context, held, report.token, now)) {
    case fence_verdict::current: {
      auto& step = task.context->definition->steps[number - 1u];
      auto claimed_at = held ? held->claimed_at : report.token.expires_at - engine_->settings.lease;
      outcomes.push_back(classify(report, step, claimed_at, now, engine_->settings.retry, engine_->random_fraction()));
      task.touched.push_back(number);
      task.open.reports.push_back(std::move(pending));
      return;
    }
    case fence_verdict::duplicate:
      return answer(report_answer{pending.in_doubt ? report_status::accepted : report_status::duplicate, {}});
    case fence_verdict::stale:
      return refuse_stale(pending);
    case fence_verdict::unknown_step:
      return answer(report_answer{report_status::invalid, "the task has no such step"});
  }
}

void result_processor::refuse_stale(const pending_report& pending) {
  auto& report = pending.message.report;
  record_refused_unit unit{{{report.token, report.worker, report.success, engine_->now()}}};
  auto answer = pending.message.done;
  request(engine_->actors->db(), caf::infinite, std::move(unit))
    .then(
      [answer](const unit_done&) {
        answer(report_answer{report_status::stale, "the lease token no longer holds this step"});
      },
      [answer](caf::error& e) { answer(to_failure(e)); });
}

void result_processor::open_turn(resident_task& task, std::vector<step_outcome> outcomes) {
  task.where = resident_task::place::on_turn;
  --at_home_;
  task.turn = next_turn_++;
  evaluate_turn turn{baton{std::move(task.context)}, task.turn, std::move(outcomes), task.open.due};
  send(engine_->actors->coordinator(shard_), std::move(turn));
}

void result_processor::close(turn_closed& closed) {
  auto found = tasks_.find(closed.task);
  if (found == tasks_.end() || found->second.turn != closed.turn)
    return; // given up before: what it did or did not do is in the rows
  auto& task = found->second;
  task.turn = 0;
  switch (closed.status) {
    case turn_status::committed:
      turn_committed(task, closed.context);
      return proceed(closed.task);
    case turn_status::failed:
      spdlog::error("task_uuid={} a turn was refused for good: {}", to_string(closed.task), closed.message);
      for (auto& pending : std::exchange(task.open.reports, {}))
        pending.message.done(failure{errc::storage, closed.message});
      break;
    case turn_status::conflict:
      engine_->turns->conflicts.fetch_add(1, std::memory_order_relaxed);
      break;
    case turn_status::unavailable:
      break;
  }
  give_up_turn(task);
  if (closed.status == turn_status::conflict)
    load(closed.task);
  else
    delayed_send(this, milliseconds{100}, reload_task{closed.task});
}

void result_processor::turn_committed(resident_task& task, const baton& context) {
  task.context = context.take();
  task.where = resident_task::place::home;
  ++at_home_;
  auto& metrics = *engine_->turns;
  auto slot = std::min<std::size_t>(task.context->turn_round_trips, turn_metrics::slots - 1);
  metrics.round_trips[slot].fetch_add(1, std::memory_order_relaxed);
  metrics.turns.fetch_add(1, std::memory_order_relaxed);
  metrics.outcomes.fetch_add(task.touched.size(), std::memory_order_relaxed);
  task.context->turn_round_trips = 0;
  for (auto number : std::exchange(task.touched, {})) {
    // The step may be with its next worker already: only leases of attempts that ended are over.
    auto ended = task.context->steps[number - 1u].attempts.size();
    if (auto held = task.leases.find(number); held != task.leases.end() && held->second.token.attempt <= ended)
      task.leases.erase(held);
    arm_retry(*task.context, number);
  }
  for (auto& pending : std::exchange(task.open, {}).reports)
    pending.message.done(report_answer{report_status::accepted, {}});
}

void result_processor::arm_retry(const task_context& context, std::uint16_t number) {
  auto& step = context.steps[number - 1u];
  if (step.state == step_state::waiting_for_retry && step.next_attempt_at)
    send(engine_->actors->timers(), arm_timer{make_step_id(context.id, number), *step.next_attempt_at});
}

result_processor_actor spawn_result_processor(caf::actor_system& system, engine_ptr engine, std::size_t shard) {
  return system.spawn<result_processor>(std::move(engine), shard);
}

} // namespace geartrain
