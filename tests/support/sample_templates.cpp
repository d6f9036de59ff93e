#include "tests/support/sample_templates.hpp"

#include <algorithm>
#include <set>

namespace geartrain::samples {

task_template make_template(const std::vector<sample_step>& steps) {
  task_template out;
  out.id = 1;
  out.namespace_name = "test";
  out.name = "sample";
  out.version = "1.0.0";
  auto index_of = [&](const std::string& name) {
    auto found = std::find_if(steps.begin(), steps.end(), [&](auto& s) { return s.name == name; });
    return static_cast<std::uint16_t>(found - steps.begin());
  };
  for (auto& given : steps) {
    step_definition step;
    step.name = given.name;
    step.handler.callable = "test." + given.name;
    step.retry.backoff = backoff_kind::none;
    std::set<std::uint16_t> ancestors;
    for (auto& parent : given.dependencies) {
      auto index = index_of(parent);
      step.dependencies.push_back(index);
      ancestors.insert(index);
      ancestors.insert(out.steps[index].ancestors.begin(), out.steps[index].ancestors.end());
      out.steps[index].children.push_back(static_cast<std::uint16_t>(out.steps.size()));
    }
    step.ancestors.assign(ancestors.begin(), ancestors.end());
    out.order.push_back(static_cast<std::uint16_t>(out.steps.size())); // parents are given first
    out.steps.push_back(std::move(step));
  }
  return out;
}

task_template linear(std::size_t steps) {
  std::vector<sample_step> chain;
  for (std::size_t i = 0; i < steps; ++i)
    chain.push_back({"s" + std::to_string(i + 1),
                     i == 0 ? std::vector<std::string>{} : std::vector<std::string>{"s" + std::to_string(i)}});
  return make_template(chain);
}

task_template diamond() {
  return make_template({{"start", {}}, {"b", {"start"}}, {"c", {"start"}}, {"end", {"b", "c"}}});
}

task_template mixed_dag() {
  return make_template({{"init", {}},
                        {"left", {"init"}},
                        {"right", {"init"}},
                        {"validate", {"left", "right"}},
                        {"transform", {"left"}},
                        {"analyze", {"right"}},
                        {"finalize", {"validate", "transform", "analyze"}}});
}

} // namespace geartrain::samples
