#include "actors/paused_steps.hpp"

namespace geartrain {

std::vector<ready_step_ptr> paused_steps::replace(const std::vector<pause_row>& pauses) {
  pauses_.clear();
  for (auto& pause : pauses)
    pauses_.emplace(pause.namespace_name, pause.template_name);
  std::vector<ready_step_ptr> free;
  for (auto& [id, step] : steps_)
    if (!holds(*step))
      free.push_back(step);
  for (auto& step : free)
    steps_.erase(step->id);
  return free;
}

bool paused_steps::holds(const ready_step& step) const {
  if (pauses_.empty())
    return false;
  auto& definition = *step.definition;
  return pauses_.contains({definition.namespace_name, ""}) ||
         pauses_.contains({definition.namespace_name, definition.name});
}

bool paused_steps::hold(const ready_step_ptr& step) {
  if (!holds(*step))
    return false;
  steps_.insert_or_assign(step->id, step);
  return true;
}

void paused_steps::take_if(const std::function<bool(const ready_step&)>& matches) {
  std::erase_if(steps_, [&](const auto& one) { return matches(*one.second); });
}

ready_step_ptr paused_steps::remove(const step_id& id) {
  auto found = steps_.find(id);
  if (found == steps_.end())
    return nullptr;
  auto step = std::move(found->second);
  steps_.erase(found);
  return step;
}

} // namespace geartrain
