#pragma once

#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace geartrain {

/// The answer of a list of templates, as a table.
std::string render_template_list(const nlohmann::json& answer, const style& paint);

/// A template in full: its head and its steps.
std::string render_template(const nlohmann::json& details, const style& paint);

} // namespace geartrain
