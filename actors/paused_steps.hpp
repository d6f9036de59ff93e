#pragma once

#include "messages/storage.hpp"
#include "messages/worker.hpp"

#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace geartrain {

/// Steps that may run but for the pause of their namespace or template. Not thread-safe.
class paused_steps {
public:
  /// Replaces the pauses; gives out the steps that they no longer hold.
  std::vector<ready_step_ptr> replace(const std::vector<pause_row>& pauses);

  bool holds(const ready_step& step) const;

  /// Keeps the step if a pause holds it; false if none does.
  bool hold(const ready_step_ptr& step);

  /// Takes out every step for which `matches` is true.
  void take_if(const std::function<bool(const ready_step&)>& matches);

  /// Takes a step out; null if it is not here.
  ready_step_ptr remove(const step_id& id);

private:
  std::set<std::pair<std::string, std::string>> pauses_; // namespace, template (empty: all of them)
  std::unordered_map<step_id, ready_step_ptr> steps_;
};

} // namespace geartrain
