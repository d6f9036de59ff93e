#pragma once

#include "messages/template.hpp"

#include <string>
#include <vector>

namespace geartrain::samples {

/// A step by name with the names of its dependencies.
struct sample_step {
  std::string name;
  std::vector<std::string> dependencies;
};

/// A template built without any parser, its graph filled in. Retries are immediate unless changed.
task_template make_template(const std::vector<sample_step>& steps);

task_template linear(std::size_t steps);
task_template diamond();   ///< start -> b, c -> end
task_template mixed_dag(); ///< seven steps, two joins

} // namespace geartrain::samples
