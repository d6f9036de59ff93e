#pragma once

#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

// Turns the server's dead letters into text for people. Pure functions.

namespace geartrain {

std::string render_cases(const nlohmann::json& rows, const style& paint);
std::string render_case(const nlohmann::json& row, const style& paint);
std::string render_case_stats(const nlohmann::json& rows, const style& paint);
std::string render_investigation_queue(const nlohmann::json& rows, const style& paint);
std::string render_staleness(const nlohmann::json& rows, const style& paint);

} // namespace geartrain
