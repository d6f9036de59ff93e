#pragma once

#include "workflow/templates/template_fields.hpp"
#include "workflow/templates/template_steps.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// What an environment changes about one step, or about all of them.
struct step_override {
  std::string step;                                         ///< a name, or "ALL"
  nlohmann::json initialization = nlohmann::json::object(); ///< replaces key by key
  std::optional<std::int64_t> timeout_seconds;
  std::optional<retry_policy> retry; ///< replaces the whole block
  nlohmann::json document;           ///< canonical form
};

struct template_environment {
  std::string name;
  std::vector<step_override> overrides;
};

/// Reads the mapping `environments` of a template.
std::vector<template_environment> read_environments(const template_fields& root, const std::vector<parsed_step>& steps,
                                                    const step_index& index);

/// The mapping as it stands in the canonical document.
nlohmann::json write_environments(const std::vector<template_environment>& environments);

/// Most bytes that the steps' initializations may have together once an environment is applied: an override for ALL of
/// many steps could otherwise make gigabytes of a few lines.
inline constexpr std::size_t max_initialization_bytes = 64 << 20;

/// Makes the definitions of the steps what they are in the environment `name`: first its overrides of ALL steps, then
/// those of single steps, in the order of the document. No change if the template says nothing about that environment.
/// The documents of the steps stay as they are. False if the result is too large.
bool apply_environment(std::vector<parsed_step>& steps, const step_index& index,
                       const std::vector<template_environment>& environments, std::string_view name);

} // namespace geartrain
