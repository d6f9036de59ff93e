#include "workflow/templates/template_workers.hpp"

#include <algorithm>

namespace geartrain {

namespace {

/// The step of type batch_worker that is meant; null, with a report, if there is none.
const parsed_step* find_worker(const step_reference& worker, const std::vector<parsed_step>& steps,
                               const step_index& index, problems& found) {
  auto known = index.find(worker.name);
  if (known != index.end() && steps[known->second].definition.type == step_type::batch_worker)
    return &steps[known->second];
  found.push_back(
    {worker.path, worker.line, "'" + worker.name + "' is no step of type batch_worker; name one that is"});
  return nullptr;
}

bool depends_on(const parsed_step& step, std::string_view name) {
  return std::any_of(step.dependencies.begin(), step.dependencies.end(),
                     [&](const step_reference& one) { return one.name == name; });
}

/// Dependencies that are unknown are reported elsewhere: they may be misspelt batchable steps.
void check_source(const parsed_step& step, const std::vector<parsed_step>& steps, const step_index& index,
                  problems& found) {
  auto may_be_batchable = [&](const step_reference& one) {
    auto known = index.find(one.name);
    return known == index.end() || steps[known->second].definition.type == step_type::batchable;
  };
  if (std::none_of(step.dependencies.begin(), step.dependencies.end(), may_be_batchable))
    found.push_back({step.dependencies_path, step.dependencies_line,
                     "a batch_worker needs a batchable step among its dependencies; name the step that cuts its "
                     "batches"});
}

} // namespace

std::optional<step_reference> read_planned_worker(const template_fields& initialization) {
  constexpr std::string_view key = "worker_template_name";
  const auto* value = initialization.find(key);
  if (!value)
    return std::nullopt;
  const auto* name = value->as<std::string>();
  return step_reference{name ? *name : "", initialization.path_of(key), value->line};
}

void check_planned_worker(const step_reference& worker, const std::vector<std::uint16_t>& planners,
                          const std::vector<parsed_step>& steps, const step_index& index, problems& found) {
  for (auto i : planners) {
    const auto& planner = steps[i].definition;
    if (planner.type != step_type::batchable)
      continue;
    const auto* step = find_worker(worker, steps, index, found);
    if (!step)
      return;
    if (!depends_on(*step, planner.name))
      found.push_back({worker.path, worker.line,
                       "'" + worker.name + "' does not depend on '" + planner.name +
                         "'; add it to the dependencies of '" + worker.name + "'"});
  }
}

void check_workers(const std::vector<parsed_step>& steps, const step_index& index, problems& found) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    if (step.worker_template)
      find_worker(*step.worker_template, steps, index, found);
    if (step.planned_worker)
      check_planned_worker(*step.planned_worker, {static_cast<std::uint16_t>(i)}, steps, index, found);
    if (step.definition.type == step_type::batch_worker && !step.dependencies.empty())
      check_source(step, steps, index, found);
  }
}

} // namespace geartrain
