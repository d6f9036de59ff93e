#include "workflow/templates/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace geartrain {

namespace {

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-'))
    text.remove_prefix(1);
  return text;
}

/// Removes the leading decimal digits; tells how many there were.
std::size_t skip_digits(std::string_view& text) {
  auto count = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(count);
  return count;
}

bool is_decimal(std::string_view text) {
  text = without_sign(text);
  return skip_digits(text) > 0 && text.empty();
}

bool is_prefixed(std::string_view text, std::string_view prefix, std::string_view digits) {
  return text.starts_with(prefix) && text.size() > prefix.size() &&
         text.find_first_not_of(digits, prefix.size()) == std::string_view::npos;
}

bool is_octal(std::string_view text) {
  return is_prefixed(text, "0o", "01234567");
}

bool is_hexadecimal(std::string_view text) {
  return is_prefixed(text, "0x", "0123456789abcdefABCDEF");
}

bool is_integer(std::string_view text) {
  return is_decimal(text) || is_octal(text) || is_hexadecimal(text);
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_float(std::string_view text) {
  text = without_sign(text);
  auto before = skip_digits(text);
  std::size_t behind = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    behind = skip_digits(text);
  }
  if (before + behind == 0)
    return false;
  if (text.starts_with('e') || text.starts_with('E')) {
    text = without_sign(text.substr(1));
    return skip_digits(text) > 0 && text.empty();
  }
  return text.empty();
}

bool is_not_finite(std::string_view text) {
  return is_one_of(without_sign(text), {".inf", ".Inf", ".INF"}) || is_one_of(text, {".nan", ".NaN", ".NAN"});
}

std::optional<document_node> to_integer(std::string_view text) {
  int base = is_octal(text) ? 8 : is_hexadecimal(text) ? 16 : 10;
  bool negative = text.front() == '-';
  auto digits = base == 10 ? without_sign(text) : text.substr(2);
  std::uint64_t magnitude = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base).ec != std::errc{})
    return std::nullopt;
  constexpr auto greatest = static_cast<std::uint64_t>(INT64_MAX);
  if (negative) {
    if (magnitude > greatest + 1)
      return std::nullopt;
    return document_node::of(static_cast<std::int64_t>(0 - magnitude));
  }
  if (magnitude > greatest)
    return document_node::of(magnitude);
  return document_node::of(static_cast<std::int64_t>(magnitude));
}

std::optional<document_node> to_float(std::string_view text) {
  if (text.starts_with('+'))
    text.remove_prefix(1);
  double value = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range) { // also what is too small to be told from zero
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (!std::isfinite(value))
      return std::nullopt;
  }
  return document_node::of(value);
}

failure wrong(const std::string& text, const std::string& why) {
  return {errc::invalid, "'" + text.substr(0, 60) + "' " + why};
}

expected<document_node> resolve_number(const std::string& text) {
  if (is_not_finite(text))
    return wrong(text, "is no JSON number; use a finite number, or put it in quotes");
  if (is_integer(text)) {
    if (auto node = to_integer(text))
      return *node;
    return wrong(text, "does not fit into 64 bits; put it in quotes");
  }
  if (auto node = to_float(text))
    return *node;
  return wrong(text, "is outside the range of a double; put it in quotes");
}

document_node boolean_node(std::string_view text) {
  return document_node::of(is_one_of(text, {"true", "True", "TRUE"}));
}

bool is_null_word(std::string_view text) {
  return text.empty() || is_one_of(text, {"~", "null", "Null", "NULL"});
}

bool is_boolean_word(std::string_view text) {
  return is_one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"});
}

} // namespace

expected<document_node> resolve_scalar(std::string_view tag, const std::string& text) {
  bool is_plain = tag == "?" || tag.empty();
  auto kind = tag.starts_with(core_tag) ? tag.substr(core_tag.size()) : std::string_view{};
  if (tag == "!" || kind == "str")
    return document_node::of(text);
  if ((is_plain || kind == "null") && is_null_word(text))
    return document_node{};
  if ((is_plain || kind == "bool") && is_boolean_word(text))
    return boolean_node(text);
  bool is_number = is_integer(text) || is_float(text) || is_not_finite(text);
  if ((is_plain && is_number) || (kind == "int" && is_integer(text)) || (kind == "float" && is_number))
    return resolve_number(text);
  if (is_plain)
    return document_node::of(text);
  return wrong(text, "does not fit its tag '" + std::string(tag.substr(0, 60)) + "'; remove the tag");
}

} // namespace geartrain
