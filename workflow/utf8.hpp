#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// UTF-8 helpers; pure and thread-safe.

namespace geartrain {

/// The code points of `text`. Input must be valid UTF-8; broken bytes become U+FFFD.
std::u32string decode_utf8(std::string_view text);

/// Number of code points in valid UTF-8.
std::size_t count_code_points(std::string_view text);

/// Offset of the first byte that is not well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above
/// U+10FFFF); npos if there is none.
std::size_t find_bad_utf8(std::string_view text);

} // namespace geartrain
