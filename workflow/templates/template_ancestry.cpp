#include "workflow/templates/template_ancestry.hpp"

#include <algorithm>

namespace geartrain {

namespace {

/// What is left of the bounds.
struct budget {
  std::size_t pairs = max_ancestor_pairs;
  std::size_t links = max_ancestor_links;

  bool take(std::size_t wanted_pairs, std::size_t wanted_links) {
    if (wanted_pairs > pairs || wanted_links > links)
      return false;
    pairs -= wanted_pairs;
    links -= wanted_links;
    return true;
  }
};

/// Walks upwards from each step, a level at a time; a step counts on the nearest level where it stands.
bool fill_ancestors(std::vector<parsed_step>& steps, budget& left) {
  std::vector<std::size_t> seen_from(steps.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::vector<std::uint16_t> found;
    std::size_t links = 0;
    auto look_above = [&](const step_definition& step) {
      links += step.dependencies.size();
      for (auto parent : step.dependencies) {
        if (seen_from[parent] == i)
          continue;
        seen_from[parent] = i;
        found.push_back(parent);
      }
    };
    look_above(steps[i].definition);
    std::size_t level_begin = 0;
    for (std::size_t level = 1; level < max_ancestor_depth && level_begin < found.size(); ++level) {
      auto level_end = found.size();
      for (; level_begin < level_end; ++level_begin)
        look_above(steps[found[level_begin]].definition);
    }
    if (!left.take(found.size(), links))
      return false;
    std::sort(found.begin(), found.end());
    found.shrink_to_fit();
    steps[i].definition.ancestors = std::move(found);
  }
  return true;
}

void remove_duplicates(std::vector<std::uint16_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

/// A parent that is a decision may ask for the step; of another parent, whatever may ask for the parent. Segments are the
/// same the other way round.
bool fill_deciders(std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& order, budget& left) {
  for (auto i : order) {
    auto& step = steps[i].definition;
    auto& deciders = step.deciders;
    for (auto parent_index : step.dependencies) {
      const auto& parent = steps[parent_index].definition;
      step.decision_depth = std::max(step.decision_depth, parent.decision_depth);
      if (parent.type == step_type::decision)
        deciders.push_back(parent_index);
      else
        deciders.insert(deciders.end(), parent.deciders.begin(), parent.deciders.end());
      // A wide join under many decisions gathers the same ones again and again.
      if (deciders.size() > 2 * steps.size())
        remove_duplicates(deciders);
      if (!left.take(0, 1 + parent.deciders.size()))
        return false;
    }
    remove_duplicates(deciders);
    deciders.shrink_to_fit();
    if (step.type == step_type::decision)
      ++step.decision_depth;
    if (!left.take(2 * deciders.size(), 0))
      return false;
  }
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (auto decider : steps[i].definition.deciders)
      steps[decider].definition.segment.push_back(static_cast<std::uint16_t>(i));
  return true;
}

} // namespace

bool fill_ancestry(std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& order) {
  budget left;
  return fill_ancestors(steps, left) && fill_deciders(steps, order, left);
}

} // namespace geartrain
