#pragma once

#include "messages/problem.hpp"
#include "workflow/templates/schema_rules.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// The keyword that refers from `schema_plan::structure` to one of its rules.
inline constexpr const char* rules_keyword = "geartrain:rules";

/// A JSON Schema, checked and taken apart: what concerns the structure of values is for valijson, what concerns a single
/// value is in the rules. The structure holds only keywords that valijson handles safely; every $ref in it is
/// "#/definitions/<number>", and boolean schemas have become rules.
struct schema_plan {
  nlohmann::json structure;
  std::vector<std::shared_ptr<const schema_rules>> rules;
  bool has_pattern_properties = false;
};

/// Checks every keyword of the schema and plans its validation. `found` gets each problem, its path a JSON pointer into
/// the schema; the plan is usable only if there is none. Pure and thread-safe.
schema_plan plan_schema(const nlohmann::json& schema, problems& found);

/// One more token on a JSON pointer.
std::string pointer_to(const std::string& parent, std::string_view token);

} // namespace geartrain
