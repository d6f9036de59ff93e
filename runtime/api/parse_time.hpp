#pragma once

#include "messages/time.hpp"

#include <optional>
#include <string_view>

namespace geartrain {

/// Reads UTC time of ISO 8601 with its zone: "2026-01-31T12:34:56Z", or with a fraction of one to nine digits, which is cut
/// to microseconds. "+00:00" may stand for the Z. Nothing for any other text; a leap second is none of ours.
std::optional<timestamp> parse_time(std::string_view text);

} // namespace geartrain
