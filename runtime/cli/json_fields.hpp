#pragma once

#include "runtime/cli/style.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

// Looks at the server's JSON without trusting it: what is absent or of another type is "-", 0 or nothing. Pure functions.

namespace geartrain {

/// A member of an object; null if there is none.
const nlohmann::json& member(const nlohmann::json& object, const char* key);

/// A member as text: strings without quotes, other values as JSON, "-" if absent or null. Fit for one line.
std::string field(const nlohmann::json& object, const char* key);

/// An integer member; 0 for anything else.
std::int64_t number(const nlohmann::json& object, const char* key);

/// A number member with two decimals; "-" for anything else.
std::string decimal(const nlohmann::json& object, const char* key);

/// A time without its fraction and zone.
std::string time_field(const nlohmann::json& object, const char* key);

/// Appends "name   value"; nothing for a value that is empty or "-".
void add_line(std::string& out, std::string_view name, std::string_view value, const style& paint,
              colour ink = colour::none);

/// JSON on one line, or indented; bytes that are no UTF-8 are replaced.
std::string dump_json(const nlohmann::json& value, int indent = -1);

} // namespace geartrain
