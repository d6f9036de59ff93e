#include "workflow/growth.hpp"

#include <algorithm>

namespace geartrain {

namespace {

failure bad(const std::string& why) {
  return {errc::invalid, why};
}

/// Why a decision may not ask for `name`, which is not in its segment.
failure refusal_of(const task_template& definition, const std::string& name) {
  auto exists = std::any_of(definition.steps.begin(), definition.steps.end(),
                            [&](const step_definition& step) { return step.name == name; });
  return bad("the decision names '" + name +
             (exists ? "', which does not lie below it (invalid descendant)" : "', which is no step of the template"));
}

} // namespace

expected<std::vector<std::uint16_t>> check_decision(const task_context& context, std::uint16_t number,
                                                    const decision_outcome& outcome, const growth_limits& limits) {
  auto& definition = *context.definition;
  auto index = context.step(number).definition;
  if (definition.steps[index].decision_depth > limits.max_decision_depth)
    return bad("decisions are nested " + std::to_string(definition.steps[index].decision_depth) + " deep here; " +
               std::to_string(limits.max_decision_depth) + " are allowed");
  if (outcome.step_names.size() > limits.max_steps_per_decision)
    return bad("the decision names " + std::to_string(outcome.step_names.size()) + " steps; " +
               std::to_string(limits.max_steps_per_decision) + " are allowed");
  std::vector<std::uint16_t> chosen;
  for (auto& name : outcome.step_names) {
    auto& segment = definition.steps[index].segment;
    auto found =
      std::find_if(segment.begin(), segment.end(), [&](auto below) { return definition.steps[below].name == name; });
    if (found == segment.end())
      return refusal_of(definition, name);
    if (definition.steps[*found].type == step_type::batch_worker)
      return bad("the decision names '" + name + "', which is a batch_worker; name the batchable step above it");
    chosen.push_back(*found);
  }
  return chosen;
}

void note_decision(task_context& context, std::uint16_t number, const std::vector<std::uint16_t>& chosen) {
  auto decision = context.step(number).definition;
  for (auto index : chosen)
    context.steps[index].requested_by.push_back(decision);
}

} // namespace geartrain
