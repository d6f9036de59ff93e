#include "runtime/config_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace geartrain {

namespace {

using parsed = std::variant<config_value, std::string>;

std::string quoted(const config_key& key, std::string_view text) {
  return key.secret ? "the value (not shown)" : fmt::format("\"{}\"", text);
}

parsed parse_integer(const config_key& key, std::string_view text) {
  std::int64_t number = 0;
  auto last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number);
  bool whole = !text.empty() && error != std::errc::invalid_argument && end == last;
  if (!whole)
    return fmt::format("{} is not a whole number; give {}", quoted(key, text), describe_allowed(key));
  if (error == std::errc::result_out_of_range || number < key.least || number > key.most)
    return fmt::format("{} is out of range; give {}", text, describe_allowed(key));
  return config_value{number};
}

parsed parse_list(const config_key& key, std::string_view text) {
  std::vector<std::string> elements;
  while (!text.empty()) {
    auto comma = std::min(text.find(','), text.size());
    auto element = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (element.starts_with(' '))
      element.remove_prefix(1);
    while (element.ends_with(' '))
      element.remove_suffix(1);
    if (element.empty())
      continue;
    if (auto complaint = complaint_about_element(key, element); !complaint.empty())
      return complaint;
    elements.emplace_back(element);
  }
  return config_value{std::move(elements)};
}

std::string yaml_value(const config_key& key, const config_value& value) {
  if (auto list = std::get_if<std::vector<std::string>>(&value))
    return fmt::format("[{}]", fmt::join(*list, ", "));
  if (key.kind == value_kind::text)
    return fmt::format("\"{}\"", std::get<std::string>(value));
  return show_config_value(key, value);
}

} // namespace

std::variant<config_value, std::string> parse_config_value(const config_key& key, std::string_view text) {
  switch (key.kind) {
    case value_kind::integer:
      return parse_integer(key, text);
    case value_kind::list:
      return parse_list(key, text);
    case value_kind::choice:
      if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end())
        return fmt::format("{} is not known here; give {}", quoted(key, text), describe_allowed(key));
      return config_value{std::string{text}};
    case value_kind::text:
      break;
  }
  if (auto complaint = complaint_about_element(key, text); !complaint.empty())
    return complaint;
  return config_value{std::string{text}};
}

std::string complaint_about_element(const config_key& key, std::string_view element) {
  if (key.has_form == nullptr || key.has_form(element))
    return {};
  return fmt::format("{} does not have the right form; give {}", quoted(key, element), key.form);
}

std::string describe_allowed(const config_key& key) {
  switch (key.kind) {
    case value_kind::integer:
      return fmt::format("a whole number from {} to {}", key.least, key.most);
    case value_kind::choice:
      return fmt::format("one of {}", fmt::join(key.choices, ", "));
    case value_kind::list:
      return key.form.empty() ? "a list of texts" : fmt::format("a list, each element {}", key.form);
    case value_kind::text:
      break;
  }
  return key.form.empty() ? "a text" : std::string{key.form};
}

std::string show_config_value(const config_key& key, const config_value& value) {
  if (auto list = std::get_if<std::vector<std::string>>(&value))
    return fmt::format("{}", fmt::join(*list, ","));
  if (auto whole = std::get_if<std::int64_t>(&value))
    return fmt::format("{}", *whole);
  const auto& text = std::get<std::string>(value);
  return key.secret ? redact_database_url(text) : text;
}

std::string default_config_text() {
  const config defaults;
  std::string out = "# Geartrain: every setting with its default. Keep only the lines that you change.\n"
                    "# Each key has a twin in the environment and a flag; a flag wins over the environment, the\n"
                    "# environment over this file. For database.max_batch they are GEARTRAIN_DATABASE_MAX_BATCH and\n"
                    "# --database-max-batch. `geartrain config show` tells which value holds, and why.\n";
  for (const auto& section : config_sections()) {
    out += fmt::format("\n# {}\n{}:\n", section.doc, section.name);
    for (const auto& key : config_keys()) {
      if (key.section() != section.name)
        continue;
      auto allowed = key.kind == value_kind::text && key.form.empty() ? std::string{} : describe_allowed(key);
      out += fmt::format("  # {}\n", key.doc);
      if (!allowed.empty())
        out += fmt::format("  # Allowed: {}.\n", allowed);
      out += fmt::format("  {}: {}\n", key.name(), yaml_value(key, key.get(defaults)));
    }
  }
  return out;
}

} // namespace geartrain
