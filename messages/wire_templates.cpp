#include "messages/wire_templates.hpp"

#include <algorithm>
#include <map>

namespace geartrain {

namespace {

/// Every index and number in the context leads to something.
bool fits(const task_context& context, const task_template& definition) {
  auto in_template = [&definition](std::uint16_t index) { return index < definition.steps.size(); };
  auto total = context.steps.size();
  if (total < definition.steps.size() || total > max_steps_per_task)
    return false;
  for (auto& batch : context.batches)
    if (!in_template(batch.worker) || batch.source == 0 || batch.source > total || batch.first == 0 ||
        batch.first - 1u + batch.cursors.size() > total)
      return false;
  for (std::size_t i = 0; i < total; ++i) {
    auto& step = context.steps[i];
    if (!in_template(step.definition) || !std::all_of(step.requested_by.begin(), step.requested_by.end(), in_template))
      return false;
    if (step.batch == 0)
      continue;
    if (step.batch > context.batches.size())
      return false;
    auto& batch = context.batches[step.batch - 1u];
    if (i + 1 < batch.first || i + 1 - batch.first >= batch.cursors.size())
      return false;
  }
  return true;
}

bool fits(const ready_step& step, const task_template& definition) {
  return step.definition_index < definition.steps.size() &&
         std::all_of(step.dependency_results.begin(), step.dependency_results.end(),
                     [&definition](auto& result) { return result.definition < definition.steps.size(); });
}

} // namespace

std::vector<std::int64_t> template_ids(const peer_answer_body& body) {
  auto answer = std::get_if<task_answer>(&body);
  if (!answer || !answer->task || !answer->task->definition)
    return {};
  return {answer->task->definition->id};
}

std::vector<std::int64_t> template_ids(const peer_notice_body& body) {
  std::vector<std::int64_t> ids;
  if (auto offer = std::get_if<steps_offered>(&body))
    for (auto& leased : offer->steps)
      if (leased.step && leased.step->definition)
        ids.push_back(leased.step->definition->id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool complete_templates(peer_answer_body& body, const std::function<template_snapshot(std::int64_t)>& find) {
  auto answer = std::get_if<task_answer>(&body);
  if (!answer)
    return true;
  if (!answer->task || !answer->task->definition)
    return false;
  auto definition = find(answer->task->definition->id);
  if (!definition || !fits(*answer->task, *definition))
    return false;
  auto context = *answer->task;
  context.definition = std::move(definition);
  answer->task = task_snapshot{std::move(context)};
  return true;
}

bool complete_templates(peer_notice_body& body, const std::function<template_snapshot(std::int64_t)>& find) {
  auto offer = std::get_if<steps_offered>(&body);
  if (!offer)
    return true;
  std::map<std::int64_t, template_snapshot> found;
  std::vector<ready_step_ptr> complete;
  complete.reserve(offer->steps.size());
  for (auto& leased : offer->steps) {
    if (!leased.step || !leased.step->definition)
      return false;
    auto id = leased.step->definition->id;
    auto known = found.find(id);
    if (known == found.end())
      known = found.emplace(id, find(id)).first;
    if (!known->second || !fits(*leased.step, *known->second))
      return false;
    auto step = std::make_shared<ready_step>(*leased.step);
    step->definition = known->second;
    complete.push_back(std::move(step));
  }
  for (std::size_t i = 0; i < complete.size(); ++i)
    offer->steps[i].step = std::move(complete[i]);
  return true;
}

} // namespace geartrain
