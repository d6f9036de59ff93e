#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace geartrain::bench {

/// What a figure is worth nothing without: processors, memory, kernel, and who else was busy. Read from /proc.
nlohmann::json describe_machine();

/// The commit that the program was configured from, or "unknown".
std::string source_commit();

} // namespace geartrain::bench
