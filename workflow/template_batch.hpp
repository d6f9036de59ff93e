#pragma once

#include "workflow/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace geartrain {

/// Reads the mapping `batch_config` of a step, defaults written out; nothing if it is absent.
std::optional<nlohmann::json> read_batch_config(const template_fields& step);

} // namespace geartrain
