#pragma once

#include "workflow/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace geartrain {

/// Reads the mapping `lifecycle` of a template, defaults written out; nothing if it is absent.
std::optional<nlohmann::json> read_lifecycle(const template_fields& root);

} // namespace geartrain
