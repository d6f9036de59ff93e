#pragma once

#include "messages/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// Reads "2026-01-31T12:34:56.123456Z"; the fraction may be absent or have 1 to 6 digits.
std::optional<timestamp> parse_utc(std::string_view text);

/// "2026-01-31 12:34:56" of such a text; other text comes back unchanged.
std::string short_time(std::string_view utc);

/// A length of time for people: "7 ms", "1.25 s", "3 m 05 s", "2 h 10 m".
std::string show_duration(milliseconds spent);

} // namespace geartrain
