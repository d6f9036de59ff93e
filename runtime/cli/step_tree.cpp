#include "runtime/cli/step_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace geartrain {

namespace {

constexpr std::size_t max_named_parents = 6; // a join behind a batch may have thousands

std::string_view symbol_of(std::string_view state) {
  if (state == "complete" || state == "resolved_manually")
    return "✔";
  if (state == "error" || state == "cancelled" || state == "enqueued_as_error_for_orchestration")
    return "✘";
  if (state == "waiting_for_retry")
    return "↻";
  if (state == "pending")
    return "○";
  return "●";
}

/// Where each step hangs: below the last step that all ways to it have in common (its immediate dominator in the graph).
/// With one dependency it is a branch there, with several it is a join, which follows the branches in their parent's column.
class layout {
public:
  explicit layout(const std::vector<tree_step>& steps)
    : steps_(steps),
      depth_(steps.size() + 1, 0),
      above_(steps.size() + 1, top()),
      branches_(steps.size() + 1),
      joins_(steps.size() + 1) {
    for (std::size_t i = 0; i < steps.size(); ++i)
      index_.emplace(steps[i].name, i);
    measure();
    std::vector<std::size_t> order(steps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return depth_[a] < depth_[b]; });
    std::vector<std::size_t> level(steps.size() + 1, 0);
    for (auto step : order)
      place(step, level);
  }

  /// Stands for what is above the first steps.
  std::size_t top() const { return steps_.size(); }
  const std::vector<std::size_t>& branches(std::size_t i) const { return branches_[i]; }
  const std::vector<std::size_t>& joins(std::size_t i) const { return joins_[i]; }

  /// The dependencies that exist and come before the step.
  std::vector<std::size_t> parents(std::size_t i) const {
    std::vector<std::size_t> found;
    for (const auto& name : steps_[i].dependencies)
      if (auto at = index_.find(name); at != index_.end() && depth_[at->second] < depth_[i])
        found.push_back(at->second);
    return found;
  }

private:
  // Longest way from the start, by relaxing as often as there are steps: enough without a cycle, and ends with one.
  void measure() {
    bool changed = true;
    for (std::size_t round = 0; changed && round <= steps_.size(); ++round) {
      changed = false;
      for (std::size_t i = 0; i < steps_.size(); ++i)
        for (const auto& name : steps_[i].dependencies)
          if (auto at = index_.find(name); at != index_.end() && depth_[i] <= depth_[at->second]) {
            depth_[i] = depth_[at->second] + 1;
            changed = true;
          }
    }
    if (changed)
      std::fill(depth_.begin(), depth_.end(), 0);
  }

  // All parents must have been placed.
  void place(std::size_t step, std::vector<std::size_t>& level) {
    auto from = parents(step);
    auto common = from.empty() ? top() : from.front();
    for (auto other : from)
      while (common != other)
        (level[common] > level[other] ? common : other) = above_[level[common] > level[other] ? common : other];
    above_[step] = common;
    level[step] = level[common] + 1;
    (from.size() > 1 ? joins_ : branches_)[common].push_back(step);
  }

  const std::vector<tree_step>& steps_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<std::size_t> depth_;
  std::vector<std::size_t> above_;
  std::vector<std::vector<std::size_t>> branches_;
  std::vector<std::vector<std::size_t>> joins_;
};

struct tree_line {
  std::size_t step = 0;
  std::string branch;
};

void walk(const layout& plan, std::size_t step, const std::string& below, std::vector<tree_line>& lines);

void draw(const layout& plan, std::size_t step, std::string branch, const std::string& below,
          std::vector<tree_line>& lines) {
  lines.push_back({step, std::move(branch)});
  walk(plan, step, below, lines);
}

/// What hangs below a step. A sequence stays in its column, so that a long one does not run off the right side.
void walk(const layout& plan, std::size_t step, const std::string& below, std::vector<tree_line>& lines) {
  while (plan.branches(step).size() == 1 && plan.joins(step).empty()) {
    step = plan.branches(step).front();
    lines.push_back({step, below});
  }
  const auto& branches = plan.branches(step);
  for (auto branch : branches) {
    bool last = branch == branches.back();
    draw(plan, branch, below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "), lines);
  }
  for (auto join : plan.joins(step))
    draw(plan, join, below, below, lines);
}

std::string describe(const std::vector<tree_step>& all, const layout& plan, std::size_t index, const style& paint) {
  const auto& step = all[index];
  auto text = paint.paint(colour_of_state(step.state), step.state);
  if (step.attempts > 1)
    text += fmt::format("  attempt {} of {}", step.attempts, std::max(step.attempts, step.max_attempts));
  if (!step.note.empty())
    text += "  " + step.note;
  if (auto parents = plan.parents(index); parents.size() > 1) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < std::min(parents.size(), max_named_parents); ++i)
      names.push_back(all[parents[i]].name);
    auto rest = parents.size() - names.size();
    text += paint.paint(colour::grey, fmt::format("  (after {}{})", fmt::join(names, ", "),
                                                  rest == 0 ? "" : fmt::format(" and {} more", rest)));
  }
  return text;
}

} // namespace

std::string render_step_tree(const std::vector<tree_step>& steps, const style& paint) {
  layout plan{steps};
  std::vector<tree_line> lines;
  walk(plan, plan.top(), "", lines);
  std::size_t width = 0;
  for (const auto& line : lines)
    width = std::max(width, display_width(line.branch) + display_width(steps[line.step].name));
  std::string out;
  for (const auto& [index, branch] : lines) {
    const auto& step = steps[index];
    auto used = display_width(branch) + display_width(step.name);
    out += fmt::format("{}{} {}{}  {}\n", branch, paint.paint(colour_of_state(step.state), symbol_of(step.state)),
                       step.name, std::string(width - used, ' '), describe(steps, plan, index, paint));
  }
  return out;
}

} // namespace geartrain
