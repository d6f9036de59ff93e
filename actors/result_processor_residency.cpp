#include "actors/result_processor_impl.hpp"
#include "actors/template_loading.hpp"
#include "workflow/fencing.hpp"
#include "workflow/restore.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

namespace geartrain {

namespace {

constexpr milliseconds reload_pause{100};

} // namespace

// -- coming and going --------------------------------------------------------------

void result_processor::adopt(const adopt_tasks& message) {
  steps_ready first;
  for (auto& context : message.contexts)
    if (auto taken = context.take())
      adopt_one(std::move(taken), first);
  if (!first.ready.empty())
    send(engine_->actors->dispatcher(), std::move(first));
}

namespace {

/// Nothing has been done with it: what is being read can only be what its creation wrote.
bool is_new(const resident_task& task) {
  return task.leases.empty() && task.started.empty() && task.returned.empty() && task.waiting.reports.empty();
}

} // namespace

void result_processor::adopt_one(std::unique_ptr<task_context> context, steps_ready& first) {
  auto id = context->id;
  auto known = tasks_.find(id);
  auto is_loading =
    known != tasks_.end() && known->second.where == resident_task::place::loading && is_new(known->second);
  if (known != tasks_.end() && known->second.where != resident_task::place::away && !is_loading)
    return; // recovery was faster
  if (!is_loading && !make_room(context->definition->id))
    return stay_out(*context);
  auto& task = tasks_[id]; // what is being read is here already: nobody waits for it, least of all who created the task
  task.context = std::move(context);
  come_home(task);
  if (task.context->state == task_state::pending)
    announce(task); // its start is for the timers
  else if (serves(id))
    for (auto number : enqueued_steps(*task.context))
      first.ready.push_back(make_ready_step(*task.context, number, task.context->created_at));
  recovered(id);
  proceed(id);
}

/// It waits in the database: until it begins, or until there is room.
void result_processor::stay_out(const task_context& context) {
  if (context.state == task_state::pending && context.input->start_at)
    send(engine_->actors->timers(), arm_timer{context.id, *context.input->start_at});
  else
    leave_out(context.id, context.definition->id);
}

void result_processor::come_home(resident_task& task) {
  task.where = resident_task::place::home;
  task.of_template = task.context->definition->id;
  room_.enter(task.of_template);
}

/// The context goes, or is gone already.
void result_processor::drop_context(resident_task& task) {
  task.context.reset();
  task.where = resident_task::place::away;
  room_.leave(task.of_template);
}

void result_processor::evict(const evict_task& message) {
  auto found = tasks_.find(message.id);
  if (found != tasks_.end() && found->second.where == resident_task::place::home && found->second.waiting.empty())
    put_away(found);
}

/// The task stays known as long as the dispatcher or a worker has a step of it, or somebody waits for its end.
result_processor::task_map::iterator result_processor::put_away(task_map::iterator found) {
  auto& task = found->second;
  auto dispatched = task.context->count(step_state::enqueued) > 0 && !task.context->paused;
  drop_context(task);
  auto needed = dispatched || !task.leases.empty() || !task.started.empty() || !task.waiters.empty();
  return needed ? std::next(found) : tasks_.erase(found);
}

void result_processor::load(const task_id& id) {
  auto& task = tasks_[id];
  if (task.where == resident_task::place::home || task.where == resident_task::place::on_turn)
    return;
  task.where = resident_task::place::loading;
  task.read_at = engine_->now();
  request(engine_->actors->db(), caf::infinite, load_task_unit{id})
    .then([this, id](const task_rows_ptr& rows) { loaded(id, *rows); },
          [this, id](caf::error& e) { load_failed(id, to_failure(e)); });
}

void result_processor::loaded(const task_id& id, const task_rows& rows) {
  if (auto definition = engine_->catalog->find_by_id(rows.head.template_id))
    return restore(id, rows, definition);
  // Another node registered this revision: fetch it once, by its key.
  auto kept = std::make_shared<task_rows>(rows);
  request(engine_->actors->db(), caf::infinite, fetch_templates_unit{0, rows.head.template_id})
    .then(
      [this, id, kept](const fetch_templates_reply& stored) {
        load_templates(*engine_->catalog, stored, engine_->settings.environment);
        if (auto definition = engine_->catalog->find_by_id(kept->head.template_id))
          restore(id, *kept, definition);
        else
          load_failed(id, {errc::storage, "the template of the task can't be read by this version"});
      },
      [this, id](caf::error& e) { load_failed(id, to_failure(e)); });
}

void result_processor::restore(const task_id& id, const task_rows& rows, const template_snapshot& definition) {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.where != resident_task::place::loading)
    return; // two loads were under way, and the other one was first
  auto& task = found->second;
  auto now = engine_->now();
  task.context = restore_task(rows, definition, now);
  task.context->turn_round_trips = 1;
  task.outdated = false;
  come_home(task);
  release_ended_leases(task);
  for (auto& claim : rows.claims) {
    lease held;
    held.token = {make_step_id(id, claim.number), claim.attempt, claim.yields, claim.epoch, claim.lease_nonce,
                  claim.token_expires_at};
    if (task.leases.contains(claim.number) || is_over(*task.context, held.token))
      continue;
    held.worker = claim.worker;
    held.claimed_at = claim.claimed_at;
    held.expires_at = claim.expires_at;
    task.leases[claim.number] = held;
  }
  for (auto& [number, held] : task.leases)
    mark_claimed(*task.context, number, held.token.attempt, held.claimed_at);
  announce(task);
  recovered(id);
  proceed(id);
}

/// Turns that another node made, or that nobody here saw the end of, ended these.
void result_processor::release_ended_leases(resident_task& task) {
  steps_ready news;
  std::erase_if(task.leases, [&](const auto& one) {
    auto& token = one.second.token;
    auto ended = is_over(*task.context, token);
    if (ended)
      news.released.push_back(token);
    return ended;
  });
  if (!news.released.empty())
    send(engine_->actors->dispatcher(), std::move(news));
}

void result_processor::load_failed(const task_id& id, const failure& why) {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.where != resident_task::place::loading)
    return;
  auto& task = found->second;
  if (why.code == errc::not_found || why.code == errc::storage) {
    for (auto& pending : std::exchange(task.waiting.reports, {}))
      if (why.code == errc::not_found)
        pending.message.done(report_answer{report_status::invalid, "no such step"});
      else
        pending.message.done(why);
    for (auto& waiter : std::exchange(task.readers, {}))
      waiter(why);
    answer_waiters(task, why);
    for (auto& pending : std::exchange(task.waiting.acts, {}))
      pending.request.done(why);
    tasks_.erase(id);
    return recovered(id);
  }
  refuse_overdue(task);
  for (auto& waiter : std::exchange(task.readers, {}))
    waiter(why);
  delayed_send(this, reload_pause, reload_task{id});
}

void result_processor::refuse_overdue(resident_task& task) {
  for (auto& pending : std::exchange(task.waiting.acts, {}))
    pending.request.done(failure{errc::unavailable, "the database did not answer in time; try again"});
  auto limit = engine_->now() - engine_->settings.report_patience;
  std::erase_if(task.waiting.reports, [&](pending_report& pending) {
    if (pending.arrived > limit)
      return false;
    pending.message.done(failure{errc::unavailable, "the database did not answer in time; send the result again"});
    return true;
  });
}

/// The context is gone; what was part of the turn is decided again from the rows. After a conflict it is certain that
/// nothing of it was written.
void result_processor::give_up_turn(resident_task& task, bool outcome_unknown) {
  task.turn = 0;
  drop_context(task);
  task.where = resident_task::place::loading;
  task.touched.take();
  auto input = std::exchange(task.open, {});
  for (auto& pending : input.reports)
    pending.in_doubt |= outcome_unknown;
  auto& waiting = task.waiting;
  for (auto& pending : input.acts)
    pending.in_doubt |= outcome_unknown;
  std::move(waiting.acts.begin(), waiting.acts.end(), std::back_inserter(input.acts));
  input.deadline |= waiting.deadline;
  std::move(waiting.reports.begin(), waiting.reports.end(), std::back_inserter(input.reports));
  std::move(waiting.expired.begin(), waiting.expired.end(), std::back_inserter(input.expired));
  std::move(waiting.due.begin(), waiting.due.end(), std::back_inserter(input.due));
  waiting = std::move(input);
}

/// Tells dispatcher and timers about everything that they may have forgotten. They ignore what they know.
void result_processor::announce(const resident_task& task) {
  auto& context = *task.context;
  if (is_terminal(context.state) || !serves(context.id))
    return;
  if (context.state == task_state::pending && context.input->start_at)
    send(engine_->actors->timers(), arm_timer{context.id, *context.input->start_at});
  auto now = engine_->now();
  steps_ready news;
  adopt_leases held;
  for (std::size_t i = 0; i < context.steps.size(); ++i) {
    auto number = static_cast<std::uint16_t>(i + 1);
    auto& step = context.steps[i];
    if (step.state == step_state::enqueued && !context.paused)
      news.ready.push_back(make_ready_step(context, number, now));
    else if (step.state == step_state::waiting_for_retry)
      arm_retry(context, number);
    else if (auto known = task.leases.find(number); step.state == step_state::in_progress && known != task.leases.end())
      held.leases.push_back({make_ready_step(context, number, now), known->second});
  }
  if (!held.leases.empty())
    send(engine_->actors->dispatcher(), std::move(held));
  if (!news.ready.empty())
    send(engine_->actors->dispatcher(), std::move(news));
}

void result_processor::forget(const task_id& id) {
  auto found = tasks_.find(id);
  auto& task = found->second;
  if (!task.waiting.empty())
    return;
  steps_ready news;
  for (auto& [number, held] : task.leases)
    news.released.push_back(held.token);
  if (!news.released.empty())
    send(engine_->actors->dispatcher(), std::move(news));
  drop_context(task);
  tasks_.erase(found);
  if (!recovering_ && !draining_ && room_.is_worth_a_look(resident_limit()))
    begin_recovery(look_for::left_out, partitions_served());
}

// -- stopping ----------------------------------------------------------------------------

void result_processor::drain(const drain_request& request) {
  draining_ = true;
  drain_waiters_.push_back(request.done);
  end_all_waits();
  answer_drain();
}

void result_processor::answer_drain() {
  auto busy = std::any_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
    return entry.second.where == resident_task::place::on_turn || entry.second.where == resident_task::place::loading;
  });
  if (busy)
    return;
  for (auto& waiter : std::exchange(drain_waiters_, {}))
    waiter(static_cast<std::uint32_t>(room_.taken()));
}

} // namespace geartrain
