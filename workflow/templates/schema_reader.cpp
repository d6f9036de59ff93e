#include "workflow/templates/schema_reader.hpp"

#include "workflow/templates/schema_plan.hpp"

#include <algorithm>
#include <array>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> type_names{"null",   "boolean", "integer", "number",
                                                     "string", "array",   "object"};

template <std::size_t N>
bool is_one_of(const std::string& keyword, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), keyword) != names.end();
}

constexpr std::array<std::string_view, 4> same_value_keywords{"not", "if", "then", "else"};
constexpr std::array<std::string_view, 4> member_keywords{"contains", "propertyNames", "additionalProperties",
                                                          "additionalItems"};
constexpr std::array<std::string_view, 3> list_keywords{"allOf", "anyOf", "oneOf"};
constexpr std::array<std::string_view, 4> mapping_keywords{"properties", "patternProperties", "definitions", "$defs"};
constexpr std::array<std::string_view, 6> count_keywords{"minLength", "maxLength",     "minItems",
                                                         "maxItems",  "minProperties", "maxProperties"};

/// %41 and the like; broken ones stay as they are and then point to nothing.
std::string percent_decode(std::string_view text) {
  auto digit = [](char c) { return std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20)); };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto npos = std::string_view::npos;
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) != npos && digit(text[i + 2]) != npos) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

} // namespace

std::string pointer_to(const std::string& parent, std::string_view token) {
  auto out = parent + "/";
  for (auto c : token) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

void schema_reader::read_document(const json& schema) {
  read(schema, "");
  resolve_references();
}

std::optional<std::size_t> schema_reader::find(const std::string& pointer) const {
  auto known = by_pointer_.find(pointer);
  return known == by_pointer_.end() ? std::nullopt : std::optional(known->second);
}

std::size_t schema_reader::read(const json& schema, const std::string& pointer) {
  auto id = nodes_.size();
  subschema node;
  node.pointer = pointer;
  node.source = &schema;
  nodes_.push_back(std::move(node));
  by_pointer_.emplace(pointer, id);
  if (schema.is_object())
    read_keywords(id, schema);
  else if (!schema.is_boolean())
    report(pointer, "must be a schema: a mapping of keywords, or true or false");
  return id;
}

void schema_reader::read_keywords(std::size_t id, const json& schema) {
  auto pointer = nodes_[id].pointer;
  auto reference = schema.find("$ref");
  for (const auto& [keyword, value] : schema.items()) {
    auto at = pointer_to(pointer, keyword);
    // Draft 7: a schema with $ref is that reference and nothing else, but it may hold definitions.
    if (reference != schema.end() && keyword != "$ref" && keyword != "definitions" && keyword != "$defs")
      continue;
    if (is_one_of(keyword, same_value_keywords))
      read_child(id, value, at, true);
    else if (is_one_of(keyword, member_keywords))
      read_child(id, value, at, false);
    else if (is_one_of(keyword, list_keywords))
      read_list(id, value, at, true);
    else if (is_one_of(keyword, mapping_keywords))
      read_members(id, value, at);
    else if (is_one_of(keyword, count_keywords))
      check_count(value, at);
    else
      read_rule(id, keyword, value, at);
  }
}

void schema_reader::read_rule(std::size_t id, const std::string& keyword, const json& value,
                              const std::string& pointer) {
  auto& rules = nodes_[id].rules;
  if (keyword == "$ref") {
    if (value.is_string() && !value.get_ref<const std::string&>().empty())
      nodes_[id].reference = value.get<std::string>();
    else
      report(pointer, "must be a string such as \"#/definitions/address\"");
  } else if (keyword == "type") {
    read_type(id, value, pointer);
  } else if (keyword == "required") {
    check_names(value, pointer);
  } else if (keyword == "items") {
    read_items(id, value, pointer);
  } else if (keyword == "dependencies") {
    read_dependencies(id, value, pointer);
  } else if (keyword == "minimum") {
    rules.minimum = read_number(value, pointer);
  } else if (keyword == "maximum") {
    rules.maximum = read_number(value, pointer);
  } else if (keyword == "exclusiveMinimum") {
    rules.exclusive_minimum = read_number(value, pointer);
  } else if (keyword == "exclusiveMaximum") {
    rules.exclusive_maximum = read_number(value, pointer);
  } else if (keyword == "multipleOf") {
    rules.multiple_of = read_number(value, pointer);
    if (rules.multiple_of && *rules.multiple_of <= 0)
      report(pointer, "must be greater than 0");
  } else if (keyword == "pattern") {
    if (!value.is_string())
      return report(pointer, "must be a string: a regular expression");
    auto pattern = schema_pattern::compile(value.get<std::string>());
    if (!pattern)
      return report(pointer, pattern.error().message);
    rules.pattern = *pattern;
    rules.pattern_text = value.get<std::string>();
  } else if (keyword == "format") {
    if (!value.is_string())
      return report(pointer, "must be a string such as \"date-time\"");
    rules.format = value.get<std::string>();
  } else if (keyword == "uniqueItems") {
    if (!value.is_boolean())
      return report(pointer, "must be true or false");
    rules.unique_items = value.get<bool>();
  } else if (keyword == "enum") {
    if (!value.is_array() || value.empty())
      return report(pointer, "must be a list of at least one value");
    rules.one_of_values = value;
  } else if (keyword == "const") {
    rules.one_of_values = json::array();
    rules.one_of_values.push_back(value);
  }
}

void schema_reader::read_child(std::size_t id, const json& schema, const std::string& pointer, bool same_value) {
  auto child = read(schema, pointer);
  nodes_[id].nesting = std::max(nodes_[id].nesting, nodes_[child].nesting + 1);
  if (same_value)
    nodes_[id].in_place.push_back(child);
}

void schema_reader::read_list(std::size_t id, const json& value, const std::string& pointer, bool same_value) {
  if (!value.is_array() || value.empty())
    return report(pointer, "must be a list of at least one schema");
  for (std::size_t i = 0; i < value.size(); ++i)
    read_child(id, value[i], pointer_to(pointer, std::to_string(i)), same_value);
}

void schema_reader::read_members(std::size_t id, const json& value, const std::string& pointer) {
  if (!value.is_object())
    return report(pointer, "must be a mapping of names to schemas");
  for (const auto& [name, schema] : value.items())
    read_child(id, schema, pointer_to(pointer, name), false);
  if (pointer.ends_with("/patternProperties"))
    check_pattern_names(value, pointer);
}

void schema_reader::read_items(std::size_t id, const json& value, const std::string& pointer) {
  if (!value.is_array())
    return read_child(id, value, pointer, false);
  read_list(id, value, pointer, false);
}

void schema_reader::read_dependencies(std::size_t id, const json& value, const std::string& pointer) {
  if (!value.is_object())
    return report(pointer, "must be a mapping of property names to lists of names or schemas");
  for (const auto& [name, dependency] : value.items()) {
    auto at = pointer_to(pointer, name);
    if (dependency.is_array())
      check_names(dependency, at);
    else
      read_child(id, dependency, at, true);
  }
}

void schema_reader::read_type(std::size_t id, const json& value, const std::string& pointer) {
  auto add = [&](const json& name, const std::string& at) {
    std::string names;
    for (auto known : type_names)
      names += (names.empty() ? "" : ", ") + std::string(known);
    if (!name.is_string() || !is_one_of(name.get<std::string>(), type_names))
      return report(at, "must be one of: " + names);
    nodes_[id].rules.types.push_back(name.get<std::string>());
  };
  if (!value.is_array())
    return add(value, pointer);
  if (value.empty())
    return report(pointer, "must name at least one type");
  for (std::size_t i = 0; i < value.size(); ++i)
    add(value[i], pointer_to(pointer, std::to_string(i)));
}

void schema_reader::check_names(const json& value, const std::string& pointer) {
  if (!value.is_array())
    return report(pointer, "must be a list of property names");
  for (std::size_t i = 0; i < value.size(); ++i)
    if (!value[i].is_string())
      report(pointer_to(pointer, std::to_string(i)), "must be a property name (a string)");
}

void schema_reader::check_count(const json& value, const std::string& pointer) {
  if (!value.is_number_integer() || value < 0 || value > INT32_MAX)
    report(pointer, "must be a whole number from 0 to " + std::to_string(INT32_MAX));
}

void schema_reader::check_pattern_names(const json& value, const std::string& pointer) {
  for (const auto& [name, schema] : value.items()) {
    auto at = pointer_to(pointer, name);
    if (auto pattern = schema_pattern::compile(name); !pattern)
      report(at, pattern.error().message);
    else if (!schema_pattern::is_safe_for_names(name))
      report(at, "a pattern of property names may repeat no group and have at most two *, + or {n,m}; simplify it");
  }
}

std::optional<double> schema_reader::read_number(const json& value, const std::string& pointer) {
  if (value.is_number())
    return value.get<double>();
  report(pointer, "must be a number");
  return std::nullopt;
}

void schema_reader::resolve_references() {
  for (auto& node : nodes_) {
    if (node.reference.empty())
      continue;
    auto at = pointer_to(node.pointer, "$ref");
    if (node.reference.front() != '#') {
      report(at, "may only point into this schema (#/...), nothing is fetched from elsewhere; copy what '" +
                   node.reference.substr(0, 100) + "' means into `definitions`");
      continue;
    }
    node.target = find(percent_decode(std::string_view(node.reference).substr(1)));
    if (node.target)
      node.in_place.push_back(*node.target);
    else
      report(at, "points to no schema in this document; correct '" + node.reference.substr(0, 100) + "'");
  }
}

void schema_reader::report(const std::string& pointer, std::string message) {
  found_.push_back({pointer, std::nullopt, std::move(message)});
}

} // namespace geartrain
