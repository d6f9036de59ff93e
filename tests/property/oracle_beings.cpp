#include "tests/property/oracle.hpp"

#include <algorithm>

// Which steps exist.

namespace geartrain::oracle {

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

} // namespace geartrain::oracle
