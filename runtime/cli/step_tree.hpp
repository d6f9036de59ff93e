#pragma once

#include "runtime/cli/style.hpp"

#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// A step as the tree shows it.
struct tree_step {
  std::string name;
  std::string state;
  std::vector<std::string> dependencies;
  int attempts = 0;
  int max_attempts = 0;
  std::string note; ///< shown behind, such as a duration or an error
};

/// Draws the graph of a task's steps, one line each. A step hangs below its dependency that is farthest from the start:
/// in the same column if it is the only one there, else on a branch. Further dependencies are named behind it. Every line ends with '\n'. Unknown dependencies are ignored; steps of a
/// cycle, which no valid template has, are drawn at the top.
std::string render_step_tree(const std::vector<tree_step>& steps, const style& paint);

} // namespace geartrain
