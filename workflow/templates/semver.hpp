#pragma once

#include <compare>
#include <string_view>

// Semantic Versioning 2.0.0; pure and thread-safe.

namespace geartrain {

/// True for MAJOR.MINOR.PATCH with optional -pre-release and +build, exactly as the standard spells them.
bool is_semver(std::string_view text);

/// Precedence of the standard. Builds have none there; they are ordered by their text behind it, so that two versions
/// are equal only if they are the same text. What is no semantic version comes first, ordered by text.
std::strong_ordering compare_semver(std::string_view a, std::string_view b);

} // namespace geartrain
