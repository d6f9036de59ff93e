#pragma once

#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

// Turns what the server tells beyond tasks and steps into text for people. Pure functions; absent or mistyped fields show as
// "-" or not at all.

namespace geartrain {

std::string render_summary(const nlohmann::json& summary, const style& paint);
std::string render_audit(const nlohmann::json& rows, const style& paint);
std::string render_pauses(const nlohmann::json& body, const style& paint);
std::string render_performance(const nlohmann::json& body, const style& paint);
std::string render_bottlenecks(const nlohmann::json& body, const style& paint);

} // namespace geartrain
