#include "actors/result_processor_impl.hpp"
#include "workflow/acts.hpp"
#include "workflow/fencing.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

// What a turn is made of: everything that waits for a task that is home is fenced, answered if it needs no turn, and
// else becomes a cause of the next one.

namespace geartrain {

namespace {

step_checkpoint checkpoint_of(const step_report& report, timestamp now) {
  step_checkpoint checkpoint;
  checkpoint.number = number_of(report.token.step);
  checkpoint.attempt = report.token.attempt;
  checkpoint.lease_nonce = report.token.nonce;
  checkpoint.yielded = report.kind == report_kind::yield;
  checkpoint.yields = static_cast<std::uint16_t>(std::min(report.token.yields + (checkpoint.yielded ? 1 : 0), 0xffff));
  checkpoint.at = now;
  checkpoint.data = report.checkpoint;
  return checkpoint;
}

} // namespace

// -- leases ------------------------------------------------------------------------

void result_processor::settle_leases(resident_task& task) {
  for (auto number : std::exchange(task.returned, {}))
    if (!task.leases.contains(number))
      mark_returned(*task.context, number);
  for (auto& held : std::exchange(task.started, {})) {
    auto number = number_of(held.token.step);
    if (number < 1 || number > task.context->steps.size())
      continue;
    auto& step = task.context->step(number);
    if (is_over(*task.context, held.token)) {
      take_back(task, held.token);
      continue;
    }
    if (is_ahead(*task.context, held.token))
      continue;
    mark_started(*task.context, number, held.claimed_at);
    if (step.state == step_state::in_progress && !is_terminal(task.context->state))
      continue;
    // It was cancelled or ended by hand while it was on its way to the worker.
    task.leases.erase(number);
    revoke(held.token.step);
  }
}

/// It was given out for what had ended before, mostly by turns of other nodes: whatever comes next is given out anew.
void result_processor::take_back(resident_task& task, const lease_token& token) {
  auto number = number_of(token.step);
  auto& context = *task.context;
  if (auto known = task.leases.find(number); known != task.leases.end() && known->second.token.nonce == token.nonce)
    task.leases.erase(known);
  steps_ready news;
  news.released.push_back(token);
  if (context.step(number).state == step_state::enqueued && !context.paused && serves(context.id))
    news.ready.push_back(make_ready_step(context, number, engine_->now()));
  send(engine_->actors->dispatcher(), std::move(news));
}

void result_processor::revoke(const step_id& step) {
  steps_ready news;
  news.revoked.cancelled.push_back(step);
  send(engine_->actors->dispatcher(), std::move(news));
}

// -- causes ------------------------------------------------------------------------

turn_causes result_processor::gather(resident_task& task) {
  turn_causes causes;
  if (task.waiting.empty() || gather_act(task, causes))
    return causes;
  auto input = std::exchange(task.waiting, {});
  for (auto& pending : input.reports)
    fence_report(task, pending, causes);
  for (auto& ended : input.expired)
    gather_expired(task, ended, causes);
  for (auto number : input.due) {
    auto waits = number == 0 ? task.context->state == task_state::pending
                             : task.context->step(number).state == step_state::waiting_for_retry;
    if (waits)
      causes.due_steps.push_back(number);
  }
  causes.deadline = input.deadline && stale_verdict(*task.context, engine_->settings.rules.staleness, engine_->now());
  task.open.due = causes.due_steps;
  task.open.deadline = causes.deadline;
  return causes;
}

/// True if the next turn belongs to an act; whatever else waits forms the turn after it.
bool result_processor::gather_act(resident_task& task, turn_causes& causes) {
  auto& acts = task.waiting.acts;
  while (!acts.empty()) {
    auto pending = std::move(acts.front());
    acts.pop_front();
    auto& asked = pending.request;
    if (auto why = check_act(*task.context, asked.act, engine_->settings.rules)) {
      // If the write of this very act is in doubt, what forbids it now is most likely the act itself.
      if (pending.in_doubt && why->code == errc::conflict)
        asked.done(task_snapshot{*task.context});
      else
        asked.done(std::move(*why));
    } else if (is_done_already(*task.context, asked.act)) {
      asked.done(task_snapshot{*task.context});
    } else {
      causes.acts.push_back(asked.act);
      task.open.acts.push_back(std::move(pending));
      return true;
    }
  }
  return false;
}

void result_processor::gather_expired(resident_task& task, lease_ended& ended, turn_causes& causes) {
  auto& token = ended.held.token;
  auto number = number_of(token.step);
  auto known = task.leases.find(number);
  auto current = known != task.leases.end() && known->second.token.nonce == token.nonce;
  auto now = engine_->now();
  if (!current || task.touched.contains(number) ||
      fence(*task.context, &ended.held, token, now) != fence_verdict::current)
    return;
  auto& retry = engine_->settings.retry;
  causes.outcomes.push_back(ended.why == lease_end::timed_out
                              ? classify_timeout(ended.held, *task.context, now, retry, engine_->random_fraction())
                              : classify_expiry(ended.held, *task.context, now));
  task.touched.add(number);
  task.open.expired.push_back(std::move(ended));
}

void result_processor::fence_report(resident_task& task, pending_report& pending, turn_causes& causes) {
  auto& report = pending.message.report;
  auto& answer = pending.message.done;
  auto number = number_of(report.token.step);
  if (task.touched.contains(number)) {
    task.waiting.reports.push_back(std::move(pending)); // the turn that is being gathered decides about it
    return;
  }
  auto known = task.leases.find(number);
  auto held = known != task.leases.end() ? &known->second : nullptr;
  auto verdict = fence(*task.context, held, report.token, engine_->now(), report.kind == report_kind::yield);
  if (doubts(task, pending, verdict)) {
    task.outdated = true;
    task.waiting.reports.push_back(std::move(pending));
    return;
  }
  switch (verdict) {
    case fence_verdict::current:
      return accept_report(task, pending, held, causes);
    case fence_verdict::duplicate:
      return answer(report_answer{pending.in_doubt ? report_status::accepted : report_status::duplicate, {}});
    case fence_verdict::stale:
      return refuse_stale(pending);
    case fence_verdict::unknown_step:
      return answer(report_answer{report_status::invalid, "the task has no such step"});
  }
}

void result_processor::accept_report(resident_task& task, pending_report& pending, const lease* held,
                                     turn_causes& causes) {
  auto& report = pending.message.report;
  auto now = engine_->now();
  if (report.kind == report_kind::result) {
    auto claimed_at = held ? held->claimed_at : report.token.expires_at - engine_->settings.lease;
    causes.outcomes.push_back(
      classify(report, *task.context, claimed_at, now, engine_->settings.retry, engine_->random_fraction()));
  } else {
    causes.checkpoints.push_back(checkpoint_of(report, now));
  }
  task.touched.add(number_of(report.token.step));
  task.open.reports.push_back(std::move(pending));
}

void result_processor::refuse_stale(const pending_report& pending) {
  auto& report = pending.message.report;
  auto answer = pending.message.done;
  if (report.kind == report_kind::checkpoint) // no attempt of anything: nothing to audit
    return answer(report_answer{report_status::stale, "the lease token no longer holds this step"});
  record_refused_unit unit{{{report.token, report.worker, report.success, engine_->now()}}};
  request(engine_->actors->db(), caf::infinite, std::move(unit))
    .then(
      [answer](const unit_done&) {
        answer(report_answer{report_status::stale, "the lease token no longer holds this step"});
      },
      [answer](caf::error& e) { answer(to_failure(e)); });
}

} // namespace geartrain
