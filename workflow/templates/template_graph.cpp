#include "workflow/templates/template_graph.hpp"

#include "workflow/templates/template_ancestry.hpp"
#include "workflow/templates/template_workers.hpp"

#include <algorithm>
#include <unordered_set>

namespace geartrain {

namespace {

constexpr std::size_t max_named_in_cycle = 20;

void resolve_dependencies(parsed_step& step, const step_index& index, problems& found) {
  std::unordered_set<std::string_view> seen;
  for (const auto& reference : step.dependencies) {
    auto report = [&](const std::string& why) { found.push_back({reference.path, reference.line, why}); };
    auto known = index.find(reference.name);
    if (!seen.insert(reference.name).second)
      report("the dependency '" + reference.name + "' is given twice; remove one of them");
    else if (reference.name == step.definition.name)
      report("the step '" + reference.name + "' depends on itself; remove this dependency");
    else if (known == index.end())
      report("there is no step '" + reference.name + "'; correct the name or add the step");
    else
      step.definition.dependencies.push_back(known->second);
  }
  std::sort(step.definition.dependencies.begin(), step.definition.dependencies.end());
}

void fill_children(std::vector<parsed_step>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i)
    for (auto parent : steps[i].definition.dependencies)
      steps[parent].definition.children.push_back(static_cast<std::uint16_t>(i));
}

/// Parents before children. Steps that are in a cycle or below one are missing.
std::vector<std::uint16_t> sort_topologically(const std::vector<parsed_step>& steps) {
  std::vector<std::size_t> waiting_for(steps.size());
  std::vector<std::uint16_t> order;
  order.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    waiting_for[i] = steps[i].definition.dependencies.size();
    if (waiting_for[i] == 0)
      order.push_back(static_cast<std::uint16_t>(i));
  }
  for (std::size_t next = 0; next < order.size(); ++next)
    for (auto child : steps[order[next]].definition.children)
      if (--waiting_for[child] == 0)
        order.push_back(child);
  return order;
}

/// "a -> b -> c -> a"; long ones are cut in the middle.
std::string name_cycle(const std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& cycle) {
  std::string out;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    if (i == max_named_in_cycle - 1 && cycle.size() > max_named_in_cycle) {
      out += "(" + std::to_string(cycle.size() - max_named_in_cycle) + " more) -> ";
      i = cycle.size() - 1;
    }
    out += steps[cycle[i]].definition.name + " -> ";
  }
  return out + steps[cycle.front()].definition.name;
}

void report_cycle(const std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& cycle, problems& found) {
  const auto& from = steps[cycle.front()];
  const auto& to = steps[cycle[1]].definition.name;
  auto reference = std::find_if(from.dependencies.begin(), from.dependencies.end(),
                                [&](const step_reference& one) { return one.name == to; });
  found.push_back({reference->path, reference->line,
                   "these steps depend on each other in a circle, each on the next: " + name_cycle(steps, cycle) +
                     "; remove one of these dependencies"});
}

/// Walks from every step that could not be sorted to a parent that could not be sorted either, until a step comes again.
/// Reports cycles that have no step in common.
void report_cycles(const std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& sorted, problems& found) {
  std::vector<bool> done(steps.size(), false);
  for (auto i : sorted)
    done[i] = true;
  std::vector<bool> in_no_cycle = done;
  constexpr auto not_on_walk = static_cast<std::size_t>(-1);
  std::vector<std::size_t> position(steps.size(), not_on_walk);
  for (std::size_t start = 0; start < steps.size(); ++start) {
    std::vector<std::uint16_t> walk;
    auto at = static_cast<std::uint16_t>(start);
    while (!done[at]) {
      done[at] = true;
      position[at] = walk.size();
      walk.push_back(at);
      const auto& parents = steps[at].definition.dependencies;
      at = *std::find_if(parents.begin(), parents.end(), [&](auto parent) { return !in_no_cycle[parent]; });
    }
    if (!walk.empty() && position[at] != not_on_walk)
      report_cycle(steps, {walk.begin() + static_cast<std::ptrdiff_t>(position[at]), walk.end()}, found);
    for (auto step : walk)
      position[step] = not_on_walk;
  }
}

} // namespace

std::vector<std::uint16_t> link_steps(std::vector<parsed_step>& steps, const step_index& index, problems& found) {
  check_workers(steps, index, found);
  auto before = found.size();
  for (auto& step : steps)
    resolve_dependencies(step, index, found);
  fill_children(steps);
  auto order = sort_topologically(steps);
  if (order.size() < steps.size())
    report_cycles(steps, order, found);
  else if (found.size() == before && !fill_ancestry(steps, order))
    found.push_back({"steps", std::nullopt,
                     "the steps have too many others above them: all together more than " +
                       std::to_string(max_ancestor_pairs) + " on " + std::to_string(max_ancestor_depth) +
                       " levels; split the template"});
  return order;
}

} // namespace geartrain
