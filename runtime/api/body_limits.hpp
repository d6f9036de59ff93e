#pragma once

#include "runtime/api/object_reader.hpp"

#include <cstddef>

// Bounds that several request bodies share.

namespace geartrain {

inline constexpr text_limits name_limits{1, 255};
inline constexpr text_limits reason_limits{0, 1024};
inline constexpr text_limits notes_limits{0, 10000}; ///< what an investigator writes down

/// How deep JSON that is stored as it was given may be nested.
inline constexpr std::size_t max_stored_depth = 64;

} // namespace geartrain
