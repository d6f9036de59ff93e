#include "runtime/cli/step_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace geartrain {

namespace {

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

/// The steps by index: who hangs below whom.
class layout {
public:
  explicit layout(const std::vector<tree_step>& steps)
    : steps_(steps), depth_(steps.size(), 0), children_(steps.size()) {
    for (std::size_t i = 0; i < steps.size(); ++i)
      index_.emplace(steps[i].name, i);
    measure();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (auto parent = parent_of(i))
        children_[*parent].push_back(i);
      else
        roots_.push_back(i);
    }
  }

  const std::vector<std::size_t>& roots() const { return roots_; }
  const std::vector<std::size_t>& children(std::size_t i) const { return children_[i]; }

  std::optional<std::size_t> parent_of(std::size_t i) const {
    std::optional<std::size_t> best;
    for (auto candidate : dependencies(i))
      if (depth_[candidate] < depth_[i] && (!best || depth_[candidate] > depth_[*best]))
        best = candidate;
    return best;
  }

  std::vector<std::string> other_parents(std::size_t i) const {
    std::vector<std::string> names;
    for (auto dependency : dependencies(i))
      if (dependency != parent_of(i))
        names.push_back(steps_[dependency].name);
    return names;
  }

private:
  std::vector<std::size_t> dependencies(std::size_t i) const {
    std::vector<std::size_t> found;
    for (const auto& name : steps_[i].dependencies)
      if (auto at = index_.find(name); at != index_.end())
        found.push_back(at->second);
    return found;
  }

  // Longest way from the start, by relaxing as often as there are steps: enough without a cycle, and ends with one.
  void measure() {
    bool changed = true;
    for (std::size_t round = 0; changed && round < steps_.size(); ++round) {
      changed = false;
      for (std::size_t i = 0; i < steps_.size(); ++i)
        for (auto dependency : dependencies(i))
          if (depth_[i] <= depth_[dependency]) {
            depth_[i] = depth_[dependency] + 1;
            changed = true;
          }
    }
    if (changed)
      std::fill(depth_.begin(), depth_.end(), 0);
  }

  const std::vector<tree_step>& steps_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<std::size_t> depth_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::size_t> roots_;
};

struct tree_line {
  std::size_t step = 0;
  std::string branch;
};

void walk(const layout& plan, std::size_t step, std::string branch, const std::string& below,
          std::vector<tree_line>& lines);

void fork(const layout& plan, const std::vector<std::size_t>& steps, const std::string& below,
          std::vector<tree_line>& lines) {
  for (auto step : steps) {
    bool last = step == steps.back();
    walk(plan, step, below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "), lines);
  }
}

// A sequence stays in its column, so that a long one does not run off the right side; only a fork indents.
void walk(const layout& plan, std::size_t step, std::string branch, const std::string& below,
          std::vector<tree_line>& lines) {
  lines.push_back({step, std::move(branch)});
  while (plan.children(step).size() == 1) {
    step = plan.children(step).front();
    lines.push_back({step, below});
  }
  fork(plan, plan.children(step), below, lines);
}

std::string describe(const tree_step& step, const layout& plan, std::size_t index, const style& paint) {
  auto text = paint.paint(colour_of_state(step.state), step.state);
  if (step.attempts > 1)
    text += fmt::format("  attempt {} of {}", step.attempts, std::max(step.attempts, step.max_attempts));
  if (!step.note.empty())
    text += "  " + step.note;
  if (auto others = plan.other_parents(index); !others.empty())
    text += paint.paint(colour::grey, fmt::format("  (also after {})", fmt::join(others, ", ")));
  return text;
}

} // namespace

std::string render_step_tree(const std::vector<tree_step>& steps, const style& paint) {
  layout plan{steps};
  std::vector<tree_line> lines;
  if (plan.roots().size() == 1)
    walk(plan, plan.roots().front(), "", "", lines);
  else
    fork(plan, plan.roots(), "", lines);
  std::size_t width = 0;
  for (const auto& line : lines)
    width = std::max(width, display_width(line.branch) + display_width(steps[line.step].name));
  std::string out;
  for (const auto& [index, branch] : lines) {
    const auto& step = steps[index];
    auto used = display_width(branch) + display_width(step.name);
    out += fmt::format("{}{} {}{}  {}\n", branch, paint.paint(colour_of_state(step.state), symbol_of(step.state)),
                       step.name, std::string(width - used, ' '), describe(step, plan, index, paint));
  }
  return out;
}

} // namespace geartrain
