#include "actors/result_processor.hpp"

#include "actors/dispatch_order.hpp"
#include "actors/result_processor_impl.hpp"
#include "workflow/fencing.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

namespace geartrain {

result_processor::result_processor(caf::actor_config& config, engine_ptr engine, std::size_t shard)
  // Turn numbers of a restarted processor must not meet those of its predecessor, whose turns may still close.
  : actor_base(config), engine_(std::move(engine)), shard_(shard), next_turn_(engine_->random() >> 8 | 1) {}

result_processor::behavior_type result_processor::make_behavior() {
  delayed_send(this, engine_->settings.sweep_every, sweep_due{});
  return {
    [this](submit_reports& message) { submit(message); },
    [this](turn_closed& closed) { close(closed); },
    [this](const steps_leased& message) { lease_begins(message); },
    [this](const adopt_tasks& message) { adopt(message); },
    [this](const read_task_request& request) { read(request); },
    [this](const await_task_request& request) { await_end(request); },
    [this](const wait_cancelled& message) { cancel_wait(message); },
    [this](const act_request& request) { act(request); },
    [this](const look_at_tasks& message) { look_at(message); },
    [this](const timer_due& due) { retry_due(due); },
    [this](const lease_ended& message) { lease_ends(message); },
    [this](const recover_request& request) { recover(request); },
    [this](const gain_partitions& message) { gain(message); },
    [this](const lose_partitions& message) { lose(message); },
    [this](const reread_tasks& message) { reread(message); },
    [this](const evict_task& message) { evict(message); },
    [this](const drain_request& request) { drain(request); },
    [this](const reload_task& again) { load(again.id); },
    [this](continue_recovery) { next_page(); },
    [this](waits_over over) { end_waits(over); },
    [this](sweep_due) { sweep(); },
  };
}

// -- what arrives ----------------------------------------------------------------

void result_processor::submit(submit_reports& message) {
  auto now = engine_->now();
  std::vector<task_id> touched;
  for (auto& report : message.reports) {
    auto id = task_of(report.report.token.step);
    touch(id).waiting.reports.push_back({std::move(report), now, false});
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

void result_processor::act(const act_request& request) {
  touch(request.task).waiting.acts.push_back({request, request.in_doubt});
  proceed(request.task);
}

void result_processor::look_at(const look_at_tasks& message) {
  for (auto& id : message.ids) {
    if (!serves(id))
      continue;
    auto& task = touch(id);
    task.waiting.deadline = true;
    if (task.where == resident_task::place::home)
      announce(task); // whatever should have woken it may have been lost
    proceed(id);
  }
}

void result_processor::retry_due(const timer_due& due) {
  auto id = task_of(due.step);
  if (!serves(id))
    return; // its owner has a timer of its own
  touch(id).waiting.due.push_back(number_of(due.step));
  proceed(id);
}

void result_processor::lease_begins(const steps_leased& message) {
  for (auto& held : message.leases) {
    if (!serves(held.token.step))
      continue;
    auto found = tasks_.find(task_of(held.token.step));
    if (found == tasks_.end()) {
      revoke(held.token.step); // the task ended meanwhile
      continue;
    }
    auto& known = found->second.leases[number_of(held.token.step)];
    if (dispatch_of(known.token) > dispatch_of(held.token))
      continue; // given out again since
    known = held;
    found->second.started.push_back(held);
    if (found->second.where == resident_task::place::home)
      settle_leases(found->second);
  }
}

void result_processor::lease_ends(const lease_ended& message) {
  auto id = task_of(message.held.token.step);
  auto number = number_of(message.held.token.step);
  if (!serves(id))
    return; // it went to another owner with its claim
  if (message.why != lease_end::returned) {
    touch(id).waiting.expired.push_back(message);
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
  auto over = is_terminal(task.context->state);
  if (task.outdated)
    return read_again(id);
  if (!task.readers.empty() || (over && !task.waiters.empty())) {
    task_snapshot copy{*task.context};
    for (auto& reader : std::exchange(task.readers, {}))
      reader(copy);
    if (over)
      answer_waiters(task, copy);
  }
  auto causes = gather(task);
  auto& context = *task.context;
  auto must_rest = nothing_to_run(context) && resting_state(context) != context.state;
  if (!causes.empty() || must_rest)
    open_turn(task, std::move(causes));
  else if (task.outdated)
    return read_again(id);
  else if (is_terminal(context.state))
    forget(id);
  else if (!serves(id))
    let_go(id);
  else
    rest(id);
  answer_losers();
  if (draining_)
    answer_drain();
}

void result_processor::open_turn(resident_task& task, turn_causes causes) {
  task.where = resident_task::place::on_turn;
  task.turn = next_turn_++;
  send(engine_->actors->coordinator(shard_),
       evaluate_turn{baton{std::move(task.context)}, task.turn, std::move(causes)});
}

void result_processor::close(turn_closed& closed) {
  auto found = tasks_.find(closed.task);
  if (found == tasks_.end() || found->second.turn != closed.turn)
    return; // given up before: what it did or did not do is in the rows
  auto& task = found->second;
  task.turn = 0;
  switch (closed.status) {
    case turn_status::committed:
      turn_committed(task, closed);
      return proceed(closed.task);
    case turn_status::failed:
      spdlog::error("task_uuid={} a turn was refused for good: {}", to_string(closed.task), closed.message);
      for (auto& pending : std::exchange(task.open.reports, {}))
        pending.message.done(failure{errc::storage, closed.message});
      for (auto& pending : std::exchange(task.open.acts, {}))
        pending.request.done(failure{errc::storage, closed.message});
      break;
    case turn_status::conflict:
      engine_->turns->conflicts.fetch_add(1, std::memory_order_relaxed);
      break;
    case turn_status::unavailable:
      break;
  }
  give_up_turn(task, closed.status != turn_status::conflict);
  if (closed.status == turn_status::conflict)
    load(closed.task);
  else
    delayed_send(this, milliseconds{100}, reload_task{closed.task});
}

void result_processor::turn_committed(resident_task& task, const turn_closed& closed) {
  task.context = closed.context.take();
  task.where = resident_task::place::home;
  auto& metrics = *engine_->turns;
  auto slot = std::min<std::size_t>(task.context->turn_round_trips, turn_metrics::slots - 1);
  metrics.round_trips[slot].fetch_add(1, std::memory_order_relaxed);
  metrics.turns.fetch_add(1, std::memory_order_relaxed);
  metrics.outcomes.fetch_add(task.touched.size(), std::memory_order_relaxed);
  if (is_terminal(task.context->state))
    metrics.tasks_ended.fetch_add(1, std::memory_order_relaxed);
  task.context->turn_round_trips = 0;
  if (!serves(closed.task))
    tell_owner(closed.task);
  for (auto number : task.touched.take()) {
    // The step may be with its next worker already: only leases of attempts that ended or were given back are over.
    if (auto held = task.leases.find(number); held != task.leases.end() && is_over(*task.context, held->second.token))
      task.leases.erase(held);
    arm_retry(*task.context, number);
  }
  if (closed.leases_void || !task.open.acts.empty())
    forget_void_leases(task);
  if (!closed.events.empty())
    engine_->events->publish(task.context->definition->namespace_name, closed.events);
  auto input = std::exchange(task.open, {});
  for (auto& pending : input.reports)
    pending.message.done(report_answer{report_status::accepted, {}});
  for (auto& pending : input.acts)
    pending.request.done(task_snapshot{*task.context});
}

/// An act or a failed batch ended steps that workers held, or gave them another beginning.
void result_processor::forget_void_leases(resident_task& task) {
  std::erase_if(task.leases, [&](const auto& entry) {
    auto& step = task.context->step(entry.first);
    auto runs = step.state == step_state::in_progress || step.state == step_state::enqueued;
    return !runs || entry.second.token.attempt != step.attempts.size() + 1;
  });
}

void result_processor::arm_retry(const task_context& context, std::uint16_t number) {
  if (!serves(context.id))
    return;
  auto& step = context.step(number);
  if (step.state == step_state::waiting_for_retry && step.next_attempt_at)
    send(engine_->actors->timers(), arm_timer{make_step_id(context.id, number), *step.next_attempt_at});
}

result_processor_actor spawn_result_processor(caf::actor_system& system, engine_ptr engine, std::size_t shard) {
  return system.spawn<result_processor>(std::move(engine), shard);
}

} // namespace geartrain
