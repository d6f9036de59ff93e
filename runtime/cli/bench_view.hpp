#pragma once

#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace geartrain {

/// A report of runtime/bench as text for people. A pure function.
std::string render_bench(const nlohmann::json& report, const style& paint);

} // namespace geartrain
