#pragma once

#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace geartrain {

/// Reads the JSON Schema under `key` and checks that it can be compiled; its problems are reported at their own lines.
/// Nothing if the key is absent or wrong.
std::optional<nlohmann::json> read_schema(const template_fields& fields, std::string_view key);

} // namespace geartrain
