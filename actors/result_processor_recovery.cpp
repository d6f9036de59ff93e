#include "actors/result_processor_impl.hpp"

#include <algorithm>
#include <utility>

// The open tasks of this shard come into memory page by page: at the start, when partitions are gained, and when there is
// room again. Those that only wait for a time stay where they are; the timers know when to fetch them.

namespace geartrain {

namespace {

constexpr std::uint32_t page_size = 500;
constexpr milliseconds reload_pause{100};
constexpr std::chrono::minutes sweep_window{15};
constexpr std::chrono::seconds settling_time{20}; // a creation of just now is on its way here

/// The last id that is smaller.
task_id just_before(task_id id) {
  for (auto byte = id.bytes.rbegin(); byte != id.bytes.rend(); ++byte)
    if ((*byte)-- != 0)
      break;
  return id;
}

} // namespace

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
  begin_recovery(look_for::all, partitions_served());
}

std::vector<std::int16_t> result_processor::partitions_served() const {
  std::vector<std::int16_t> all;
  for (std::size_t p = shard_; p < partition_count; p += engine_->settings.shards)
    if (engine_->actors->cluster().serves_partition(static_cast<std::uint16_t>(p)))
      all.push_back(static_cast<std::int16_t>(p));
  return all;
}

void result_processor::begin_recovery(look_for what, std::vector<std::int16_t> partitions) {
  recovering_ = true;
  looks_for_ = what;
  last_page_ = partitions.empty();
  page_end_ = {};
  recovered_partitions_ = std::move(partitions);
  if (what == look_for::left_out && first_left_out_)
    page_end_ = just_before(*first_left_out_);
  if (what != look_for::gained) {
    room_.begin_look();
    first_left_out_.reset();
  }
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
        last_page_ = reply.tasks.size() < page_size;
        if (!reply.tasks.empty())
          page_end_ = reply.tasks.back().id;
        for (auto& one : reply.tasks)
          recover_task(one);
        if (page_.empty())
          finish_recovery();
      },
      [this](caf::error&) { delayed_send(this, reload_pause, continue_recovery{}); });
}

void result_processor::recover_task(const open_task& one) {
  auto known = tasks_.find(one.id);
  if (known != tasks_.end() && known->second.where != resident_task::place::away)
    return;
  if (known == tasks_.end() && sleeps(one))
    return;
  auto limit = resident_limit();
  if (!room_.fits(one.template_id, limit - std::min(limit, page_.size())))
    return leave_out(one.id, one.template_id);
  page_.insert(one.id);
  load(one.id);
}

/// True if nothing happens to it before a time that the timers know now.
bool result_processor::sleeps(const open_task& one) {
  if (!one.wakes_at || *one.wakes_at <= engine_->now())
    return false;
  send(engine_->actors->timers(), arm_timer{make_step_id(one.id, 0), *one.wakes_at});
  return true;
}

void result_processor::recovered(const task_id& id) {
  if (page_.erase(id) > 0 && page_.empty())
    finish_recovery();
}

void result_processor::finish_recovery() {
  auto enough = looks_for_ == look_for::left_out && room_.is_full(resident_limit());
  if (!last_page_ && !enough)
    return next_page();
  if (!last_page_)
    first_left_out_ = std::min(first_left_out_.value_or(page_end_), page_end_);
  if (looks_for_ != look_for::gained)
    room_.end_look(last_page_);
  publish_left_out();
  recovering_ = false;
  if (std::exchange(recover_again_, false)) {
    gained_.clear();
    return recover({});
  }
  if (!gained_.empty())
    return begin_recovery(look_for::gained, std::exchange(gained_, {}));
  for (auto& waiter : std::exchange(recovery_waiters_, {}))
    waiter(static_cast<std::uint32_t>(room_.taken()));
}

/// A creation whose outcome nobody learned may have been committed long after it was given up, and a node that takes a
/// partition over may have read it before a last creation there. Such a task is found by looking: at all open ones of the
/// last minutes, since older ones have been looked at before.
void result_processor::sweep() {
  delayed_send(this, engine_->settings.sweep_every, sweep_due{});
  if (!recovering_ && !draining_ && room_.has_left_out())
    return begin_recovery(look_for::left_out, partitions_served());
  auto now = engine_->now().time_since_epoch();
  sweep_page(make_task_id(now - sweep_window, 0), make_task_id(now - settling_time, 0));
}

void result_processor::sweep_page(const task_id& after, const task_id& settled) {
  auto db = engine_->actors->db();
  open_tasks_unit unit{partitions_served(), after, page_size};
  if (recovering_ || draining_ || !db || unit.partitions.empty())
    return;
  request(db, caf::infinite, std::move(unit))
    .then(
      [this, settled](const open_tasks_reply& reply) {
        for (auto& one : reply.tasks)
          if (one.id < settled && !tasks_.contains(one.id) && !sleeps(one))
            found_open(one);
        if (reply.tasks.size() == page_size && reply.tasks.back().id < settled)
          sweep_page(reply.tasks.back().id, settled);
      },
      [](caf::error&) {});
}

void result_processor::found_open(const open_task& one) {
  if (room_.fits(one.template_id, resident_limit()))
    touch(one.id);
  else
    leave_out(one.id, one.template_id);
}

} // namespace geartrain
