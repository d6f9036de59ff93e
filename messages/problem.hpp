#pragma once

#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// One thing wrong with a caller's document: where it is, and what to do about it.
struct problem {
  std::string path;        ///< e.g. "steps[2].retry.max_attempts" or "/amount"
  std::optional<int> line; ///< 1-based; only for text with lines (YAML)
  std::string message;
};

using problems = std::vector<problem>;

} // namespace geartrain
