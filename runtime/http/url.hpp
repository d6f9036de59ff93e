#pragma once

#include "runtime/http/http_message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// Resolves %XX; nullopt if a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

/// A request target taken apart.
struct url_target {
  std::string_view path; ///< still encoded; starts with "/", or is "*"
  name_values query;     ///< decoded; "+" stands for a blank
};

/// Takes "/path?query", the absolute form "http://host/path?query" and "*". nullopt: neither of them, or badly encoded.
/// The result points into `target`.
std::optional<url_target> parse_target(std::string_view target);

/// The path of a valid target, still encoded.
std::string_view path_of(std::string_view target);

/// The segments between the slashes of a path: "/v1/tasks" gives {"v1", "tasks"}.
std::vector<std::string_view> split_path(std::string_view path);

} // namespace geartrain
