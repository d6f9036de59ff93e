#pragma once

#include "runtime/config.hpp"

#include <string>

namespace geartrain {

/// All settings as a JSON object of sections, passwords hidden.
std::string config_as_json(const config& settings);

} // namespace geartrain
