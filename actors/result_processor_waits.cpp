#include "actors/result_processor_impl.hpp"

#include <algorithm>

// Readers that wait for the end of a task. They stand with the task and are answered by the turn that ends it. Those whose
// time is over become plain readers; one timer is set, for the first of them.

namespace geartrain {

void result_processor::await_end(const await_task_request& request) {
  auto& task = touch(request.id);
  if (draining_ || request.wait.count() <= 0) {
    task.readers.push_back(request.done);
  } else {
    auto until = engine_->now() + request.wait;
    task.waiters.push_back({request.wait_id, until, request.done});
    wait_ends_.emplace(std::pair{until, request.wait_id}, request.id);
    set_wait_timer();
  }
  proceed(request.id);
}

void result_processor::cancel_wait(const wait_cancelled& message) {
  auto found = tasks_.find(message.id);
  if (found == tasks_.end())
    return;
  std::erase_if(found->second.waiters, [&](const task_waiter& waiter) {
    if (waiter.id != message.wait_id)
      return false;
    wait_ends_.erase({waiter.until, waiter.id});
    return true;
  });
}

void result_processor::answer_waiters(resident_task& task, const expected<task_snapshot>& answer) {
  for (auto& waiter : std::exchange(task.waiters, {})) {
    wait_ends_.erase({waiter.until, waiter.id});
    waiter.done(answer);
  }
}

void result_processor::end_waits(waits_over over) {
  if (over.timer != wait_timer_)
    return;
  wait_timer_at_.reset();
  auto now = engine_->now();
  std::vector<task_id> touched;
  while (!wait_ends_.empty() && wait_ends_.begin()->first.first <= now) {
    auto [key, id] = *wait_ends_.begin();
    wait_ends_.erase(wait_ends_.begin());
    auto& task = touch(id);
    auto waiter = std::find_if(task.waiters.begin(), task.waiters.end(),
                               [&, wait_id = key.second](const task_waiter& one) { return one.id == wait_id; });
    if (waiter == task.waiters.end())
      continue;
    task.readers.push_back(std::move(waiter->done));
    task.waiters.erase(waiter);
    touched.push_back(id);
  }
  for (auto& id : touched)
    proceed(id);
  set_wait_timer();
}

void result_processor::end_all_waits() {
  std::vector<task_id> touched;
  for (auto& [key, id] : std::exchange(wait_ends_, {}))
    touched.push_back(id);
  for (auto& id : touched) {
    auto found = tasks_.find(id);
    if (found == tasks_.end())
      continue; // an earlier one of the same task
    for (auto& waiter : std::exchange(found->second.waiters, {}))
      found->second.readers.push_back(std::move(waiter.done));
    touch(id);
    proceed(id);
  }
}

void result_processor::set_wait_timer() {
  if (wait_ends_.empty())
    return;
  auto first = wait_ends_.begin()->first.first;
  if (wait_timer_at_ && *wait_timer_at_ <= first)
    return;
  wait_timer_at_ = first;
  auto left = std::chrono::ceil<milliseconds>(first - engine_->now());
  delayed_send(this, std::max(left, milliseconds{1}), waits_over{++wait_timer_});
}

} // namespace geartrain
