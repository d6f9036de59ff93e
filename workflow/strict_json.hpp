#pragma once

#include "messages/expected.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace geartrain {

/// What a JSON text may be like.
struct json_limits {
  std::size_t max_depth = 64; ///< arrays and objects inside each other
  /// Also take an integer outside 64 bits if it is spelt exactly as canonical JSON spells that double: our own
  /// documents hold such numbers (1e20 is written with 21 digits) and must stay readable.
  bool canonical_integers = false;
};

/// Parses one JSON text (RFC 8259). Refuses what can't be kept or passed on faithfully: U+0000, lone surrogates, broken
/// UTF-8, integers outside 64 bits (-2^63 to 2^64 - 1), numbers outside the range of a double, anything too deep or
/// behind the value. Of duplicate keys the last wins. Pure and thread-safe; throws nothing but std::bad_alloc.
/// Errors: errc::invalid with the byte where parsing stopped.
expected<nlohmann::json> parse_strict_json(std::string_view text, const json_limits& limits = {});

/// Whether parse_strict_json would take the text, and if not, what it would say; builds nothing.
std::optional<failure> check_strict_json(std::string_view text, const json_limits& limits = {});

} // namespace geartrain
