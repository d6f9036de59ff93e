#pragma once

#include "messages/time.hpp"
#include "runtime/cli/style.hpp"

#include <nlohmann/json.hpp>

#include <string>

// One frame of `geartrain top`: what a node's counters did between two looks. Pure functions.

namespace geartrain {

/// The answers of /v1/telemetry/database and /v1/telemetry/actors at one moment.
struct telemetry_look {
  nlohmann::json database;
  nlohmann::json actors;
};

/// {"interval_ms", "rates": {…}, "database": …, "actors": …}, the latter two as the node sent them.
std::string frame_json(const telemetry_look& before, const telemetry_look& now, milliseconds between);

/// The same for people. `title` stands on top.
std::string render_frame(const std::string& title, const telemetry_look& before, const telemetry_look& now,
                         milliseconds between, const style& paint);

} // namespace geartrain
