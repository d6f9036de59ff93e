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

/// Draws the graph of a task's steps, one line each: a sequence in one column, parallel ways as branches, a join behind the
/// branches that it waits for, with their names. Every line ends with '\n'. Unknown dependencies are ignored; if there is
/// a cycle, which no valid template has, all steps stand side by side.
std::string render_step_tree(const std::vector<tree_step>& steps, const style& paint);

} // namespace geartrain
