#pragma once

#include "messages/template.hpp"
#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace geartrain {

/// Reads the mapping `lifecycle` of a template into `policy`. Gives it as it stands in the canonical document, defaults
/// written out; nothing if it is absent.
std::optional<nlohmann::json> read_lifecycle(const template_fields& root, lifecycle_policy& policy);

} // namespace geartrain
