#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// For example "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 7231).
std::string format_http_date(std::chrono::sys_seconds when);

/// Understands the three forms of RFC 7231: IMF-fixdate, RFC 850 and asctime.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

} // namespace geartrain
