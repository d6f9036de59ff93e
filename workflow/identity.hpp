#pragma once

#include <string>
#include <string_view>

// What makes two creation requests the same task. Pure and thread-safe; the results are stored: never change them.

namespace geartrain {

/// Identity by content: SHA-256 (32 raw bytes) over the canonical JSON text ["strict", ns, name, context]. The version of
/// the template is no part of it. `context_json` must be what parse_strict_json accepts; any other text still gives a
/// stable hash, over the text itself.
std::string identity_hash(std::string_view ns, std::string_view name, std::string_view context_json);

/// Identity by the caller's key: SHA-256 (32 raw bytes) over the canonical JSON text ["caller_provided", ns, name, key].
/// Never equal to an identity by content.
std::string identity_hash_of_key(std::string_view ns, std::string_view name, std::string_view key);

} // namespace geartrain
