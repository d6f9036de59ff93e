#pragma once

#include "messages/template.hpp"
#include "workflow/templates/template_fields.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace geartrain {

/// The mapping `batch_config` of a step.
struct batch_config {
  batch_settings settings;
  std::string worker_template;
};

/// Reads the mapping `batch_config` of a step; nothing if it is absent.
std::optional<batch_config> read_batch_config(const template_fields& step);

/// As it stands in the canonical document, defaults written out.
nlohmann::json write_batch_config(const batch_config& config);

} // namespace geartrain
