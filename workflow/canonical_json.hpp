#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

// One spelling per JSON value, and the digest of it. Pure and thread-safe.

namespace geartrain {

/// Canonical JSON after RFC 8785: no white space, keys in the order of their UTF-16 code units, numbers as ECMAScript
/// prints them. One thing goes beyond it: integers outside +-2^53, where RFC 8785 would round to a double, keep all
/// their digits, so that two different 64-bit ids never look the same. The value must hold valid UTF-8 and finite
/// numbers, as everything from parse_strict_json does.
std::string canonical_json(const nlohmann::json& value);

/// A finite double as ECMAScript prints it.
std::string canonical_number(double value);

/// SHA-256 as 32 raw bytes.
std::string sha256(std::string_view bytes);

/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);

} // namespace geartrain
