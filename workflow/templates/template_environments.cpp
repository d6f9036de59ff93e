#include "workflow/templates/template_environments.hpp"

#include "workflow/canonical_json.hpp"
#include "workflow/templates/template_retry.hpp"
#include "workflow/templates/template_workers.hpp"

#include <algorithm>
#include <unordered_map>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::string_view all_steps = "ALL";

/// The steps that an override is about.
std::vector<std::uint16_t> meant_steps(const std::string& name, const step_index& index) {
  std::vector<std::uint16_t> out;
  if (name == all_steps)
    for (const auto& [step, i] : index)
      out.push_back(i);
  else if (auto known = index.find(name); known != index.end())
    out.push_back(known->second);
  return out;
}

step_override read_override(const template_fields& fields, const std::vector<parsed_step>& steps,
                            const step_index& index) {
  step_override out;
  out.step = fields.required_text("name", "the step to override, or ALL", 255);
  if (!out.step.empty() && out.step != all_steps && !index.contains(out.step))
    fields.report("name", *fields.find("name"),
                  "there is no step '" + out.step + "'; name a step of this template, or ALL");
  out.document["name"] = out.step;
  auto handler = fields.mapping("handler");
  if (auto initialization = handler ? handler->mapping("initialization") : std::nullopt) {
    out.initialization = to_json(initialization->node());
    out.document["handler"]["initialization"] = out.initialization;
    if (auto worker = read_planned_worker(*initialization))
      check_planned_worker(*worker, meant_steps(out.step, index), steps, index, fields.found());
  }
  if ((out.timeout_seconds = read_timeout(fields)))
    out.document["timeout_seconds"] = *out.timeout_seconds;
  if (fields.find("retry")) {
    out.retry = read_retry(fields);
    out.document["retry"] = write_retry(*out.retry);
  }
  return out;
}

/// Later overrides win.
void merge(step_override& into, const step_override& later) {
  into.initialization.update(later.initialization);
  if (later.timeout_seconds)
    into.timeout_seconds = later.timeout_seconds;
  if (later.retry)
    into.retry = later.retry;
}

/// Gives the size of the step's initialization.
std::size_t apply_override(const step_override& override, parsed_step& step) {
  auto& definition = step.definition;
  if (override.timeout_seconds)
    definition.timeout_seconds = override.timeout_seconds;
  if (override.retry)
    definition.retry = *override.retry;
  if (override.initialization.empty())
    return 0;
  auto initialization = step.document["handler"].value("initialization", json::object());
  initialization.update(override.initialization);
  definition.handler.initialization = json_text(canonical_json(initialization));
  return definition.handler.initialization.view().size();
}

} // namespace

std::vector<template_environment> read_environments(const template_fields& root, const std::vector<parsed_step>& steps,
                                                    const step_index& index) {
  std::vector<template_environment> out;
  auto fields = root.mapping("environments");
  if (!fields)
    return out;
  for (const auto& [name, value] : *fields->node().as<document_node::mapping>()) {
    if (value.is_null())
      continue;
    if (!value.as<document_node::mapping>()) {
      fields->report(name, value, wrong_type("a mapping", value));
      continue;
    }
    template_fields environment(value, fields->path_of(name), fields->found());
    auto& overrides = out.emplace_back(template_environment{name, {}}).overrides;
    const auto* items = environment.list("steps");
    for (std::size_t i = 0; items && i < items->size(); ++i)
      if (auto item = environment.item("steps", i, (*items)[i]))
        overrides.push_back(read_override(*item, steps, index));
  }
  return out;
}

json write_environments(const std::vector<template_environment>& environments) {
  auto out = json::object();
  for (const auto& environment : environments) {
    auto& overrides = out[environment.name]["steps"] = json::array();
    for (const auto& override : environment.overrides)
      overrides.push_back(override.document);
  }
  return out;
}

bool apply_environment(std::vector<parsed_step>& steps, const step_index& index,
                       const std::vector<template_environment>& environments, std::string_view name) {
  auto environment =
    std::find_if(environments.begin(), environments.end(), [&](const auto& one) { return one.name == name; });
  if (environment == environments.end())
    return true;
  step_override for_all;
  std::unordered_map<std::uint16_t, step_override> for_steps;
  for (const auto& override : environment->overrides)
    merge(override.step == all_steps ? for_all : for_steps[index.at(override.step)], override);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < steps.size() && bytes <= max_initialization_bytes; ++i) {
    auto own = for_steps.find(static_cast<std::uint16_t>(i));
    if (own == for_steps.end()) {
      bytes += apply_override(for_all, steps[i]);
      continue;
    }
    auto both = for_all;
    merge(both, own->second);
    bytes += apply_override(both, steps[i]);
  }
  return bytes <= max_initialization_bytes;
}

} // namespace geartrain
