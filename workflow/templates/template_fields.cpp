#include "workflow/templates/template_fields.hpp"

#include "workflow/utf8.hpp"

#include <algorithm>

namespace geartrain {

std::string wrong_type(std::string_view wanted, const document_node& actual) {
  auto message = "must be " + std::string(wanted) + ", not " + std::string(describe_type(actual));
  bool is_scalar = !actual.as<document_node::sequence>() && !actual.as<document_node::mapping>();
  if (wanted.starts_with("a string") && is_scalar && !actual.is_null())
    return message + "; put it in quotes";
  if (actual.as<std::string>() && !wanted.starts_with("a list") && !wanted.starts_with("a mapping"))
    return message + "; write it without quotes";
  return message + "; correct it";
}

std::string join_names(std::span<const std::string_view> names) {
  std::string out;
  for (auto name : names)
    out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

const document_node* template_fields::find(std::string_view key) const {
  const auto* value = mapping_->find(key);
  return value && !value->is_null() ? value : nullptr;
}

const document_node* template_fields::require(std::string_view key, std::string_view purpose) const {
  if (const auto* value = find(key))
    return value;
  const auto* empty = mapping_->find(key);
  found_->push_back({path_of(key), empty ? empty->line : mapping_->line,
                     "is required; add `" + std::string(key) + "`: " + std::string(purpose)});
  return nullptr;
}

std::string_view template_fields::pick(std::string_view key, std::string_view alias) const {
  const auto* second = find(alias);
  if (find(key) && second)
    report(alias, *second, "means the same as `" + std::string(key) + "`, which is given too; remove one of them");
  return second && !find(key) ? alias : key;
}

std::optional<std::string> template_fields::checked_text(std::string_view key, const document_node& value,
                                                         std::size_t max_length) const {
  const auto* text = value.as<std::string>();
  if (!text) {
    report(key, value, wrong_type("a string", value));
    return std::nullopt;
  }
  auto length = count_code_points(*text);
  if (length == 0 || length > max_length) {
    auto hint = length == 0 ? "; it is empty" : "; it has " + std::to_string(length) + ", shorten it";
    report(key, value, "must have 1 to " + std::to_string(max_length) + " characters" + hint);
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> template_fields::text(std::string_view key, std::size_t max_length) const {
  const auto* value = find(key);
  return value ? checked_text(key, *value, max_length) : std::nullopt;
}

std::string template_fields::required_text(std::string_view key, std::string_view purpose,
                                           std::size_t max_length) const {
  const auto* value = require(key, purpose);
  return value ? checked_text(key, *value, max_length).value_or("") : "";
}

std::string template_fields::free_text(std::string_view key) const {
  const auto* value = find(key);
  if (!value)
    return "";
  if (const auto* text = value->as<std::string>())
    return *text;
  report(key, *value, wrong_type("a string", *value));
  return "";
}

std::optional<std::int64_t> template_fields::integer(std::string_view key, std::int64_t min, std::int64_t max) const {
  const auto* value = find(key);
  if (!value)
    return std::nullopt;
  auto range = "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  const auto* number = value->as<std::int64_t>();
  if (!number && !value->as<std::uint64_t>()) {
    report(key, *value, wrong_type(range, *value));
    return std::nullopt;
  }
  if (!number || *number < min || *number > max) {
    auto text = number ? std::to_string(*number) : std::to_string(*value->as<std::uint64_t>());
    report(key, *value, "must be " + range + "; " + text + " is outside");
    return std::nullopt;
  }
  return *number;
}

std::optional<bool> template_fields::boolean(std::string_view key) const {
  const auto* value = find(key);
  if (!value)
    return std::nullopt;
  if (const auto* flag = value->as<bool>())
    return *flag;
  report(key, *value, wrong_type("true or false", *value));
  return std::nullopt;
}

std::optional<std::size_t> template_fields::choice(std::string_view key,
                                                   std::span<const std::string_view> names) const {
  const auto* value = find(key);
  if (!value)
    return std::nullopt;
  const auto* text = value->as<std::string>();
  if (!text) {
    report(key, *value, wrong_type("a string", *value) + " and use one of: " + join_names(names));
    return std::nullopt;
  }
  auto known = std::find(names.begin(), names.end(), *text);
  if (known == names.end()) {
    report(key, *value, "'" + text->substr(0, 60) + "' is not known; use one of: " + join_names(names));
    return std::nullopt;
  }
  return static_cast<std::size_t>(known - names.begin());
}

std::optional<template_fields> template_fields::mapping(std::string_view key) const {
  const auto* value = find(key);
  if (!value)
    return std::nullopt;
  if (value->as<document_node::mapping>())
    return template_fields(*value, path_of(key), *found_);
  report(key, *value, wrong_type("a mapping", *value));
  return std::nullopt;
}

const document_node::sequence* template_fields::list(std::string_view key) const {
  const auto* value = find(key);
  if (!value)
    return nullptr;
  const auto* items = value->as<document_node::sequence>();
  if (!items)
    report(key, *value, wrong_type("a list", *value));
  return items;
}

std::string template_fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

std::string template_fields::path_of(std::string_view key, std::size_t index) const {
  return path_of(key) + "[" + std::to_string(index) + "]";
}

void template_fields::report(std::string_view key, const document_node& at, std::string message) const {
  found_->push_back({path_of(key), at.line, std::move(message)});
}

std::optional<template_fields> template_fields::item(std::string_view key, std::size_t index,
                                                     const document_node& value) const {
  if (value.as<document_node::mapping>())
    return template_fields(value, path_of(key, index), *found_);
  found_->push_back({path_of(key, index), value.line, wrong_type("a mapping", value)});
  return std::nullopt;
}

} // namespace geartrain
