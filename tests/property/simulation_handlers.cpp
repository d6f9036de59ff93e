#include "tests/property/simulation.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

// What handlers of random steps give back.

namespace geartrain::oracle {

namespace {

using nlohmann::json;

json decision_json(const outcome& asked) {
  if (asked.step_names.empty())
    return {{"decision_point_outcome", {{"type", "no_branches"}}}};
  return {{"decision_point_outcome", {{"type", "create_steps"}, {"step_names", asked.step_names}}}};
}

json batch_json(const outcome& asked) {
  if (asked.batch_ids.empty())
    return {{"batch_processing_outcome", {{"type", "no_batches"}}}};
  auto cursors = json::array();
  for (const auto& id : asked.batch_ids)
    cursors.push_back({{"batch_id", id}, {"start_cursor", 0}, {"end_cursor", 10}, {"batch_size", 10}});
  return {{"batch_processing_outcome",
           {{"type", "create_batches"},
            {"worker_template_name", asked.worker},
            {"worker_count", asked.batch_ids.size()},
            {"cursor_configs", cursors},
            {"total_items", 10 * asked.batch_ids.size()}}}};
}

} // namespace

outcome simulation::invent_decision(const std::string& name, std::uint16_t how) const {
  outcome asked;
  const auto& definition = *context_->definition;
  for (const auto& s : definition.steps) {
    auto is_below = std::any_of(s.deciders.begin(), s.deciders.end(),
                                [&](auto decider) { return definition.steps[decider].name == name; });
    // Each bit decides about one; now and then something that can't be had is asked for too.
    auto wanted = how % 2 == 1;
    how = static_cast<std::uint16_t>(how / 2 | (how % 2) << 15);
    if (wanted && (is_below || how % 64 == 63))
      asked.step_names.push_back(s.name);
  }
  return asked;
}

std::vector<std::string> simulation::workers_below(const std::string& name) const {
  std::vector<std::string> workers;
  for (const auto& s : context_->definition->steps)
    for (auto parent : s.dependencies)
      if (s.type == step_type::batch_worker && context_->definition->steps[parent].name == name)
        workers.push_back(s.name);
  return workers;
}

/// The placeholders of two batches of the same worker would be called the same.
bool simulation::may_be_empty(const outcome& batch) const {
  if (batch.worker.empty())
    return true;
  const auto& dependencies = oracle_.definition(batch.worker).dependencies;
  return std::count_if(dependencies.begin(), dependencies.end(), [&](const std::string& one) {
           return oracle_.definition(one).type == step_type::batchable;
         }) < 2;
}

/// The worker of a batch without cursors is the one that the step names, or its only one.
outcome simulation::no_batches(const std::string& name) const {
  outcome asked;
  auto workers = workers_below(name);
  asked.worker = oracle_.definition(name).planned_worker;
  if (asked.worker.empty() && workers.size() == 1)
    asked.worker = workers.front();
  return asked;
}

outcome simulation::invent_batch(const std::string& name, std::uint16_t how) const {
  if (auto none = no_batches(name); how % 8 == 0 && may_be_empty(none))
    return none;
  outcome asked;
  auto workers = workers_below(name);
  if (how % 64 == 62)
    asked.worker = "nobody";
  else if (!workers.empty())
    asked.worker = pick(workers, how / 16U);
  for (int i = 0; i <= how / 64 % 4; ++i)
    asked.batch_ids.push_back(name + std::to_string(how % 64 == 63 ? i / 2 : i)); // some twice
  return asked;
}

/// What a handler of the step gives back, as JSON and as the oracle understands it.
std::pair<json_text, outcome> simulation::invent_result(const std::string& name, std::uint16_t how) const {
  json out{{"by", name}};
  outcome asked;
  switch (oracle_.definition(name).type) {
    case step_type::decision:
      asked = invent_decision(name, how);
      out.update(decision_json(asked));
      break;
    case step_type::batchable:
      asked = invent_batch(name, how);
      out.update(batch_json(asked));
      break;
    default:
      break;
  }
  return {json_text{out.dump()}, asked};
}

} // namespace geartrain::oracle
