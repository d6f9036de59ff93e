#pragma once

#include "messages/problem.hpp"
#include "workflow/templates/schema_rules.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace geartrain {

/// One schema inside a schema document. Refers to the document.
struct subschema {
  std::string pointer; ///< JSON pointer to it
  const nlohmann::json* source = nullptr;
  schema_rules rules;
  std::string reference;             ///< its $ref as given; empty: none
  std::optional<std::size_t> target; ///< the subschema that the $ref means
  std::vector<std::size_t> in_place; ///< subschemas that look at the same value as this one
  std::size_t nesting = 1;           ///< levels of schemas in it, itself included
};

/// Finds every subschema of a schema document and checks all of its keywords. Not thread-safe.
class schema_reader {
public:
  explicit schema_reader(problems& found) : found_(found) {}

  /// Reads the document; the root becomes subschema 0.
  void read_document(const nlohmann::json& schema);

  const std::vector<subschema>& nodes() const { return nodes_; }

  /// The subschema at a JSON pointer.
  std::optional<std::size_t> find(const std::string& pointer) const;

private:
  std::size_t read(const nlohmann::json& schema, const std::string& pointer);
  void read_keywords(std::size_t id, const nlohmann::json& schema);
  void read_child(std::size_t id, const nlohmann::json& schema, const std::string& pointer, bool same_value);
  void read_members(std::size_t id, const nlohmann::json& value, const std::string& pointer);
  void read_list(std::size_t id, const nlohmann::json& value, const std::string& pointer, bool same_value);
  void read_items(std::size_t id, const nlohmann::json& value, const std::string& pointer);
  void read_dependencies(std::size_t id, const nlohmann::json& value, const std::string& pointer);
  void read_type(std::size_t id, const nlohmann::json& value, const std::string& pointer);
  void read_rule(std::size_t id, const std::string& keyword, const nlohmann::json& value, const std::string& pointer);
  void check_names(const nlohmann::json& value, const std::string& pointer);
  void check_count(const nlohmann::json& value, const std::string& pointer);
  void check_pattern_names(const nlohmann::json& value, const std::string& pointer);
  std::optional<double> read_number(const nlohmann::json& value, const std::string& pointer);
  void resolve_references();
  void report(const std::string& pointer, std::string message);

  problems& found_;
  std::vector<subschema> nodes_;
  std::unordered_map<std::string, std::size_t> by_pointer_;
};

} // namespace geartrain
