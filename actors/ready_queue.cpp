#include "actors/ready_queue.hpp"

#include "actors/dispatch_order.hpp"

namespace geartrain {

bool ready_queue::push(ready_step_ptr step) {
  auto ready_us = step->ready_at.time_since_epoch().count();
  auto worth_us = std::chrono::microseconds{priority_worth}.count() * step->input->priority;
  position where{ready_us - worth_us, next_sequence_++, step->id};
  if (auto known = places_.find(step->id); known != places_.end()) {
    auto& queued = *known->second.in->at(known->second.at);
    if (dispatch_of(queued) >= dispatch_of(*step))
      return false;
    remove(step->id);
  }
  auto& steps = namespaces_[step->definition->namespace_name][step->step().handler.callable];
  places_.emplace(step->id, place{&steps, where});
  steps.emplace(where, std::move(step));
  return true;
}

ready_step_ptr ready_queue::remove(const step_id& id) {
  auto found = places_.find(id);
  if (found == places_.end())
    return nullptr;
  auto [steps, where] = found->second;
  places_.erase(found);
  return std::move(steps->extract(where).mapped());
}

std::vector<ready_step_ptr> ready_queue::take_if(const std::function<bool(const ready_step&)>& matches) {
  std::vector<ready_step_ptr> taken;
  for (auto& [name, handlers] : namespaces_)
    for (auto& [callable, steps] : handlers)
      std::erase_if(steps, [&](const auto& entry) {
        if (!matches(*entry.second))
          return false;
        taken.push_back(entry.second);
        return true;
      });
  for (auto& step : taken)
    places_.erase(step->id);
  return taken;
}

ready_queue::lane* ready_queue::best_lane(const std::vector<std::string>& namespaces,
                                          const std::optional<std::vector<std::string>>& handlers) {
  lane* best = nullptr;
  auto consider = [&](lane& candidate) {
    if (!candidate.empty() && (!best || candidate.begin()->first < best->begin()->first))
      best = &candidate;
  };
  for (auto& name : namespaces) {
    auto found = namespaces_.find(name);
    if (found == namespaces_.end())
      continue;
    if (!handlers) {
      for (auto& [callable, steps] : found->second)
        consider(steps);
    } else {
      for (auto& callable : *handlers)
        if (auto steps = found->second.find(callable); steps != found->second.end())
          consider(steps->second);
    }
  }
  return best;
}

const ready_step* ready_queue::first(const std::vector<std::string>& namespaces,
                                     const std::optional<std::vector<std::string>>& handlers) {
  auto best = best_lane(namespaces, handlers);
  return best ? best->begin()->second.get() : nullptr;
}

std::vector<ready_step_ptr> ready_queue::firsts() const {
  std::vector<ready_step_ptr> all;
  for (auto& [name, handlers] : namespaces_)
    for (auto& [callable, steps] : handlers)
      if (!steps.empty())
        all.push_back(steps.begin()->second);
  return all;
}

ready_step_ptr ready_queue::take(const std::vector<std::string>& namespaces,
                                 const std::optional<std::vector<std::string>>& handlers) {
  auto best = best_lane(namespaces, handlers);
  if (!best)
    return nullptr;
  auto step = std::move(best->begin()->second);
  best->erase(best->begin());
  places_.erase(step->id);
  return step;
}

} // namespace geartrain
