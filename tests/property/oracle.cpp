#include "tests/property/oracle.hpp"

#include <algorithm>
#include <stdexcept>

namespace geartrain::oracle {

task::task(std::vector<step> steps) : steps_(std::move(steps)) {
  for (const auto& s : steps_)
    from_start_.insert(s.name); // at the start nothing is late
  auto there = existing(beings());
  from_start_ = {there.begin(), there.end()};
}

// -- looking things up ----------------------------------------------------------

const step& task::definition(const std::string& name) const {
  auto wanted = name;
  for (const auto& [source, made] : batches_)
    if (std::find(made.names.begin(), made.names.end(), name) != made.names.end())
      wanted = made.worker;
  for (const auto& s : steps_)
    if (s.name == wanted)
      return s;
  throw std::logic_error("no step " + name);
}

std::string task::source_of(const std::string& name) const {
  for (const auto& [source, made] : batches_)
    if (std::find(made.names.begin(), made.names.end(), name) != made.names.end())
      return source;
  return "";
}

std::vector<std::string> task::workers_of(const std::string& source) const {
  auto made = batches_.find(source);
  return made == batches_.end() ? std::vector<std::string>{} : made->second.names;
}

task::record task::record_of(const std::string& name) const {
  auto known = records_.find(name);
  return known == records_.end() ? record{} : known->second;
}

unsigned task::failures(const std::string& name) const {
  return record_of(name).failures;
}

bool task::ended_well(const std::string& name) const {
  auto end = record_of(name).end;
  return end == ending::complete || end == ending::resolved;
}

/// Everything below a decision, up to and including the next decisions.
std::set<std::string> task::segment(const std::string& decision) const {
  std::set<std::string> out;
  std::vector<std::string> from{decision};
  while (!from.empty()) {
    auto above_it = from.back();
    from.pop_back();
    for (const auto& s : steps_) {
      auto depends = std::find(s.dependencies.begin(), s.dependencies.end(), above_it) != s.dependencies.end();
      if (depends && out.insert(s.name).second && s.type != step_type::decision)
        from.push_back(s.name);
    }
  }
  return out;
}

bool task::above(const std::string& upper, const std::string& lower) const {
  for (const auto& dependency : definition(lower).dependencies)
    if (dependency == upper || above(upper, dependency))
      return true;
  return false;
}

// -- what exists ------------------------------------------------------------------

/// Nothing further can come of a decision or batchable step that has spoken, or that never will.
bool task::is_settled(const std::string& source, const std::map<std::string, being>& known) const {
  return known.at(source) == being::never || ended_well(source);
}

bool task::is_requested(const std::string& name) const {
  return std::any_of(asked_.begin(), asked_.end(), [&](const auto& entry) { return entry.second.contains(name); });
}

/// Whether some decision that has not spoken could still ask for the step by its name.
bool task::may_be_asked_for(const step& s, const std::map<std::string, being>& known) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](const step& other) {
    return other.type == step_type::decision && segment(other.name).contains(s.name) && !is_settled(other.name, known);
  });
}

/// The name of a worker template stands for the workers made of it.
being task::judge_worker(const step& s, const std::map<std::string, being>& known) const {
  for (const auto& [source, made] : batches_)
    if (made.worker == s.name)
      return being::exists;
  bool waits = false;
  for (const auto& dependency : s.dependencies) {
    if (definition(dependency).type == step_type::batchable)
      waits = waits || !is_settled(dependency, known);
    else if (known.at(dependency) == being::never)
      return being::never; // it is needed as by any step that is no join
  }
  return waits ? being::undecided : being::never;
}

/// A join takes what there is of its dependencies.
being task::judge_join(const step& s, const std::map<std::string, being>& known) const {
  auto count = [&](being wanted) {
    return std::count_if(s.dependencies.begin(), s.dependencies.end(),
                         [&](const std::string& one) { return known.at(one) == wanted; });
  };
  auto came_late = std::any_of(s.dependencies.begin(), s.dependencies.end(), [&](const std::string& one) {
    return known.at(one) == being::exists && !from_start_.contains(one);
  });
  if (came_late)
    return being::exists;
  if (count(being::undecided) > 0)
    return being::undecided;
  if (count(being::exists) > 0 || is_requested(s.name))
    return being::exists;
  return may_be_asked_for(s, known) ? being::undecided : being::never;
}

/// An ordinary step needs all its dependencies, and the consent of the decisions among them.
being task::judge_ordinary(const step& s, const std::map<std::string, being>& known) const {
  bool waits = false;
  for (const auto& dependency : s.dependencies) {
    auto its_being = known.at(dependency);
    if (its_being == being::never) {
      // Only a decision that asks for the step itself can make up for it.
      if (!is_requested(s.name) && !may_be_asked_for(s, known))
        return being::never;
      waits = waits || !is_requested(s.name);
    } else if (its_being == being::undecided) {
      waits = true;
    } else if (definition(dependency).type == step_type::decision) {
      if (!ended_well(dependency)) {
        waits = true;
        continue;
      }
      auto consents = asked_.at(dependency).contains(s.name);
      auto may_consent = false;
      for (const auto& other : s.dependencies) {
        // What exists below a decision exists with its consent.
        consents = consents || (known.at(other) == being::exists && above(dependency, other));
        may_consent = may_consent || (known.at(other) == being::undecided && above(dependency, other));
      }
      if (!consents && !may_consent)
        return being::never;
      waits = waits || !consents;
    }
  }
  return waits ? being::undecided : being::exists;
}

being task::judge(const step& s, const std::map<std::string, being>& known) const {
  switch (s.type) {
    case step_type::batch_worker:
      return judge_worker(s, known);
    case step_type::deferred_convergence:
      return judge_join(s, known);
    default:
      return judge_ordinary(s, known);
  }
}

std::map<std::string, being> task::beings() const {
  std::map<std::string, being> known;
  for (const auto& s : steps_)
    known[s.name] = being::undecided;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& s : steps_) {
      if (known[s.name] != being::undecided)
        continue;
      known[s.name] = judge(s, known);
      changed = changed || known[s.name] != being::undecided;
    }
  }
  return known;
}

std::vector<std::string> task::existing(const std::map<std::string, being>& known) const {
  std::vector<std::string> out;
  for (const auto& s : steps_)
    if (s.type != step_type::batch_worker && known.at(s.name) == being::exists)
      out.push_back(s.name);
  for (const auto& [source, made] : batches_)
    out.insert(out.end(), made.names.begin(), made.names.end());
  return out;
}

// -- what may run -----------------------------------------------------------------

/// A failed worker counts as finished where its batch goes on without it.
bool task::is_tolerated(const std::string& name) const {
  return record_of(name).end == ending::failed && !source_of(name).empty() &&
         definition(name).on_failure != batch_failure_strategy::fail_fast;
}

/// The first failed worker of a fail_fast batch takes the others with it.
bool task::is_swept_away(const std::string& name) const {
  auto source = source_of(name);
  if (source.empty() || definition(name).on_failure != batch_failure_strategy::fail_fast)
    return false;
  const auto& names = batches_.at(source).names;
  return record_of(name).end == ending::open &&
         std::any_of(names.begin(), names.end(), [&](const auto& one) { return record_of(one).end == ending::failed; });
}

/// One permanent failure stops everything that is not with a worker.
bool task::is_blocked() const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    return entry.second.end == ending::failed && !is_tolerated(entry.first);
  });
}

bool task::holds_back(const std::string& dependency, const std::map<std::string, being>& known) const {
  if (known.at(dependency) == being::never)
    return false;
  if (known.at(dependency) == being::undecided)
    return true;
  const auto& s = definition(dependency);
  if (s.type != step_type::batch_worker)
    return !ended_well(dependency);
  for (const auto& source : s.dependencies)
    if (definition(source).type == step_type::batchable && !is_settled(source, known))
      return true;
  for (const auto& [source, made] : batches_)
    for (const auto& worker : made.names)
      if (made.worker == dependency && !ended_well(worker) && !is_tolerated(worker))
        return true;
  return false;
}

bool task::is_ready(const std::string& name, const std::map<std::string, being>& known) const {
  auto is_worker = !source_of(name).empty();
  const auto& dependencies = definition(name).dependencies;
  return std::none_of(dependencies.begin(), dependencies.end(), [&](const std::string& one) {
    // A worker comes of one batchable step, which is done, and does not care for the others.
    return !(is_worker && definition(one).type == step_type::batchable) && holds_back(one, known);
  });
}

step_state task::state_of(const std::string& name, const std::map<std::string, being>& known) const {
  auto its = record_of(name);
  switch (its.end) {
    case ending::complete:
      return step_state::complete;
    case ending::resolved:
      return step_state::resolved_manually;
    case ending::failed:
      return step_state::error;
    case ending::cancelled:
      return step_state::cancelled;
    case ending::open:
      break;
  }
  if (is_swept_away(name))
    return step_state::cancelled;
  if (its.with_worker)
    return step_state::in_progress;
  if (its.waits)
    return step_state::waiting_for_retry;
  return is_ready(name, known) && !is_blocked() ? step_state::enqueued : step_state::pending;
}

std::map<std::string, step_state> task::states() const {
  auto known = beings();
  std::map<std::string, step_state> out;
  for (const auto& name : existing(known))
    out[name] = state_of(name, known);
  return out;
}

task_state task::state(const std::set<std::string>& held_back) const {
  if (cancelled_)
    return task_state::cancelled;
  bool runs = false;
  bool with_worker = false;
  bool waits = false;
  bool all_done = true;
  for (const auto& [name, its] : states()) {
    with_worker = with_worker || its == step_state::in_progress;
    runs = runs || its == step_state::in_progress || (its == step_state::enqueued && !held_back.contains(name));
    waits = waits || its == step_state::waiting_for_retry;
    all_done = all_done && (satisfies_children(its) || is_tolerated(name));
  }
  if (is_blocked())
    return with_worker ? task_state::blocked_by_failures : task_state::error;
  if (all_done)
    return task_state::complete;
  if (runs)
    return task_state::steps_in_process;
  return waits ? task_state::waiting_for_retry : task_state::waiting_for_dependencies;
}

} // namespace geartrain::oracle
