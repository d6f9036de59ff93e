#include "actors/result_processor_impl.hpp"

#include <algorithm>
#include <vector>

// Memory is bounded, the number of open tasks is not. A new task that finds no room makes the idle leave, then those that
// only wait for workers; if that is not enough it waits in the database and is fetched when others have ended.

namespace geartrain {

namespace {

// Looking for somebody who can leave means looking at everybody: many leave at a time, and after a look in vain there is
// a pause, so that looking takes a small share of the time however many there are.
constexpr std::size_t share_that_leaves = 16;
constexpr std::chrono::microseconds pause_for_each{10};

/// Something else than a worker has to happen first: a time that comes, or an act.
bool is_idle(const resident_task& task) {
  auto& context = *task.context;
  auto runs = context.count(step_state::in_progress) > 0 || !task.leases.empty();
  return !runs && (context.paused || context.count(step_state::enqueued) == 0);
}

/// Nothing to do before a worker reports.
bool is_held(const resident_task& task) {
  return task.context->count(step_state::enqueued) == 0;
}

} // namespace

std::size_t result_processor::resident_limit() const {
  return std::max<std::size_t>(1, engine_->settings.max_resident / engine_->settings.shards);
}

/// True if a new task of this template may stay; others may have to leave for it.
bool result_processor::make_room(std::int64_t of_template) {
  if (room_.fits(of_template, resident_limit()))
    return true;
  auto now = engine_->now();
  if (now < next_look_for_room_)
    return false;
  if (let_leave(is_idle) + let_leave(is_held) == 0)
    next_look_for_room_ = now + pause_for_each * static_cast<std::int64_t>(tasks_.size());
  return room_.fits(of_template, resident_limit());
}

/// Some of those that can leave do, unless there is room for as many already; gives how many left.
std::size_t result_processor::let_leave(bool (*can_leave)(const resident_task&)) {
  auto limit = resident_limit();
  auto enough = limit - std::max<std::size_t>(1, limit / share_that_leaves);
  auto before = room_.taken();
  for (auto at = tasks_.begin(); at != tasks_.end() && room_.taken() > enough;) {
    auto& task = at->second;
    auto leaves = task.where == resident_task::place::home && task.waiting.empty() && can_leave(task);
    at = leaves ? put_away(at) : std::next(at);
  }
  return before - room_.taken();
}

void result_processor::leave_out(const task_id& id, std::int64_t of_template) {
  room_.leave_out(of_template);
  first_left_out_ = std::min(first_left_out_.value_or(id), id);
  publish_left_out();
}

/// Over the bound a context stays only while something is done with it.
void result_processor::rest(const task_id& id) {
  if (room_.taken() <= resident_limit())
    return;
  if (auto found = tasks_.find(id); found->second.waiting.empty())
    put_away(found);
}

void result_processor::publish_left_out() {
  auto has = room_.has_left_out();
  if (has != std::exchange(published_left_out_, has))
    engine_->turns->shards_full.fetch_add(has ? 1 : -1, std::memory_order_relaxed);
}

} // namespace geartrain
