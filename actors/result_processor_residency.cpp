#include "actors/result_processor_impl.hpp"
#include "actors/template_loading.hpp"
#include "workflow/fencing.hpp"
#include "workflow/restore.hpp"
#include "workflow/turn.hpp"

#include <algorithm>

namespace geartrain {

namespace {

constexpr std::uint32_t page_size = 500;
constexpr milliseconds reload_pause{100};
constexpr std::chrono::minutes sweep_window{15};
constexpr std::chrono::seconds settling_time{20}; // a creation of just now is on its way here

} // namespace

// -- coming and going --------------------------------------------------------------

void result_processor::adopt(const adopt_tasks& message) {
  for (auto& context : message.contexts)
    if (auto taken = context.take())
      adopt_one(std::move(taken));
}

void result_processor::adopt_one(std::unique_ptr<task_context> context) {
  auto id = context->id;
  auto& task = tasks_[id];
  if (task.where != resident_task::place::away)
    return; // recovery was faster
  left_out_ |= at_home_ >= resident_limit();
  if (at_home_ >= resident_limit())
    return; // stays away: its first report loads it, or a later recovery
  task.context = std::move(context);
  task.where = resident_task::place::home;
  ++at_home_;
  if (task.context->state == task_state::pending)
    announce(task); // its start is for the timers
  proceed(id);
}

void result_processor::evict(const evict_task& message) {
  auto found = tasks_.find(message.id);
  if (found == tasks_.end() || found->second.where != resident_task::place::home || !found->second.waiting.empty())
    return;
  found->second.context.reset();
  found->second.where = resident_task::place::away;
  --at_home_;
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
  task.where = resident_task::place::home;
  task.outdated = false;
  ++at_home_;
  release_ended_leases(task);
  for (auto& claim : rows.claims) {
    lease held;
    held.token = {make_step_id(id, claim.number), claim.attempt, claim.epoch, claim.lease_nonce,
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
  task.where = resident_task::place::loading;
  task.touched.clear();
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
  if (!found->second.waiting.empty())
    return;
  if (found->second.where == resident_task::place::home)
    --at_home_;
  steps_ready news;
  for (auto& [number, held] : found->second.leases)
    news.released.push_back(held.token);
  if (!news.released.empty())
    send(engine_->actors->dispatcher(), std::move(news));
  tasks_.erase(found);
  recover_left_out();
}

/// There is room again for open tasks that recovery had to leave in the database.
void result_processor::recover_left_out() {
  if (!left_out_ || recovering_ || at_home_ > resident_limit() / 4 * 3)
    return;
  left_out_ = false;
  begin_recovery(partitions_served());
}

std::size_t result_processor::resident_limit() const {
  return std::max<std::size_t>(1, engine_->settings.max_resident / engine_->settings.shards);
}

// -- recovery ------------------------------------------------------------------------

void result_processor::recover(const recover_request& request) {
  recovery_waiters_.push_back(request.done);
  if (recovering_) {
    recover_again_ = true;
    return;
  }
  for (auto& [id, task] : tasks_) {
    if (task.where == resident_task::place::on_turn) {
      give_up_turn(task, true);
      send(this, reload_task{id});
    } else if (task.where == resident_task::place::loading) {
      send(this, reload_task{id});
    } else if (task.where == resident_task::place::home) {
      announce(task);
    }
  }
  begin_recovery(partitions_served());
}

std::vector<std::int16_t> result_processor::partitions_served() const {
  std::vector<std::int16_t> all;
  for (std::size_t p = shard_; p < partition_count; p += engine_->settings.shards)
    if (engine_->actors->cluster().serves_partition(static_cast<std::uint16_t>(p)))
      all.push_back(static_cast<std::int16_t>(p));
  return all;
}

void result_processor::begin_recovery(std::vector<std::int16_t> partitions) {
  recovering_ = true;
  last_page_ = partitions.empty();
  page_end_ = {};
  recovered_partitions_ = std::move(partitions);
  if (last_page_)
    finish_recovery();
  else
    next_page();
}

void result_processor::next_page() {
  auto db = engine_->actors->db();
  if (!db)
    return;
  open_tasks_unit unit;
  unit.partitions = recovered_partitions_;
  unit.after = page_end_;
  unit.limit = page_size;
  request(db, caf::infinite, std::move(unit))
    .then(
      [this](const open_tasks_reply& reply) {
        last_page_ = reply.ids.size() < page_size;
        if (!reply.ids.empty())
          page_end_ = reply.ids.back();
        for (auto& id : reply.ids)
          recover_task(id);
        if (page_.empty())
          finish_recovery();
      },
      [this](caf::error&) { delayed_send(this, reload_pause, continue_recovery{}); });
}

void result_processor::recover_task(const task_id& id) {
  auto known = tasks_.find(id);
  if (known != tasks_.end() && known->second.where != resident_task::place::away)
    return;
  left_out_ |= at_home_ + page_.size() >= resident_limit();
  if (at_home_ + page_.size() >= resident_limit())
    return; // memory is full: it comes when something arrives for it, or when there is room again
  page_.insert(id);
  load(id);
}

void result_processor::recovered(const task_id& id) {
  if (page_.erase(id) > 0 && page_.empty())
    finish_recovery();
}

void result_processor::finish_recovery() {
  if (!last_page_)
    return next_page();
  recovering_ = false;
  if (std::exchange(recover_again_, false)) {
    gained_.clear();
    return recover({});
  }
  if (!gained_.empty())
    return begin_recovery(std::exchange(gained_, {}));
  for (auto& waiter : std::exchange(recovery_waiters_, {}))
    waiter(static_cast<std::uint32_t>(at_home_));
}

/// A creation whose outcome nobody learned may have been committed long after it was given up, and a node that takes a
/// partition over may have read it before a last creation there. Such a task is found by looking: among the open ones of
/// the last minutes, since older ones have been looked at before.
void result_processor::sweep() {
  delayed_send(this, engine_->settings.sweep_every, sweep_due{});
  auto db = engine_->actors->db();
  if (recovering_ || draining_ || !db)
    return;
  auto now = engine_->now().time_since_epoch();
  open_tasks_unit unit{partitions_served(), make_task_id(now - sweep_window, 0), page_size};
  if (unit.partitions.empty())
    return;
  auto settled = make_task_id(now - settling_time, 0);
  request(db, caf::infinite, std::move(unit))
    .then(
      [this, settled](const open_tasks_reply& reply) {
        for (auto& id : reply.ids)
          if (id < settled && !tasks_.contains(id) && at_home_ < resident_limit())
            touch(id);
      },
      [](caf::error&) {});
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
    waiter(static_cast<std::uint32_t>(at_home_));
}

} // namespace geartrain
