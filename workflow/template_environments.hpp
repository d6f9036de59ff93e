#pragma once

#include "workflow/template_fields.hpp"
#include "workflow/template_steps.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

/// Reads the mapping `environments` of a template: per environment, overrides of steps or of ALL of them. An empty object
/// if it is absent.
nlohmann::json read_environments(const template_fields& root, const step_index& steps);

} // namespace geartrain
