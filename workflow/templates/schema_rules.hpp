#pragma once

#include "workflow/templates/schema_pattern.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// What one schema demands of a value by itself, without looking at its members. These rules are ours because valijson's
/// own are unsafe on foreign input: patterns by recursion, dates by patterns, division by zero, quadratic uniqueness.
struct schema_rules {
  std::vector<std::string> types; ///< empty: any
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<double> exclusive_minimum;
  std::optional<double> exclusive_maximum;
  std::optional<double> multiple_of;
  std::optional<schema_pattern> pattern;
  std::string pattern_text;
  std::string format; ///< empty: any
  bool unique_items = false;
  nlohmann::json one_of_values; ///< array of `enum` or of the one value of `const`; null: any
  std::string forbidden;        ///< if not empty: nothing is allowed here, and this is the message

  bool empty() const;
};

} // namespace geartrain
