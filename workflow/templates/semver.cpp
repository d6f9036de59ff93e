#include "workflow/templates/semver.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace geartrain {

namespace {

struct version_parts {
  std::array<std::string_view, 3> core;
  std::string_view pre_release;
  std::string_view build;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_number(std::string_view text) {
  return all_digits(text) && (text.size() == 1 || text.front() != '0');
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

/// Cuts the text before `separator` off `rest`; `rest` becomes what follows it.
std::string_view cut(std::string_view& rest, char separator) {
  auto at = rest.find(separator);
  auto head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return head;
}

template <class Predicate>
bool all_identifiers(std::string_view text, Predicate good) {
  if (text.empty() || text.back() == '.')
    return false;
  while (!text.empty())
    if (!good(cut(text, '.')))
      return false;
  return true;
}

std::optional<version_parts> split(std::string_view text) {
  version_parts parts;
  if (auto at = text.find('+'); at != std::string_view::npos) {
    parts.build = text.substr(at + 1);
    text = text.substr(0, at);
    if (!all_identifiers(parts.build, is_identifier))
      return std::nullopt;
  }
  if (auto at = text.find('-'); at != std::string_view::npos) {
    parts.pre_release = text.substr(at + 1);
    text = text.substr(0, at);
    if (!all_identifiers(parts.pre_release,
                         [](std::string_view id) { return all_digits(id) ? is_number(id) : is_identifier(id); }))
      return std::nullopt;
  }
  if (std::count(text.begin(), text.end(), '.') != 2)
    return std::nullopt;
  for (auto& number : parts.core) {
    number = cut(text, '.');
    if (!is_number(number))
      return std::nullopt;
  }
  return parts;
}

/// Numbers of any length, without leading zeros.
std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size())
    return a.size() <=> b.size();
  return a <=> b;
}

std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  bool a_is_number = all_digits(a);
  bool b_is_number = all_digits(b);
  if (a_is_number && b_is_number)
    return compare_numbers(a, b);
  if (a_is_number != b_is_number)
    return a_is_number ? std::strong_ordering::less : std::strong_ordering::greater;
  return a <=> b;
}

std::strong_ordering compare_pre_releases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) // a release comes after its pre-releases
    return a.empty() <=> b.empty();
  while (!a.empty() && !b.empty())
    if (auto order = compare_identifiers(cut(a, '.'), cut(b, '.')); order != 0)
      return order;
  return !a.empty() <=> !b.empty();
}

} // namespace

bool is_semver(std::string_view text) {
  return split(text).has_value();
}

std::strong_ordering compare_semver(std::string_view a, std::string_view b) {
  auto left = split(a);
  auto right = split(b);
  if (!left || !right)
    return left || right ? left.has_value() <=> right.has_value() : a <=> b;
  for (std::size_t i = 0; i < left->core.size(); ++i)
    if (auto order = compare_numbers(left->core[i], right->core[i]); order != 0)
      return order;
  if (auto order = compare_pre_releases(left->pre_release, right->pre_release); order != 0)
    return order;
  return left->build <=> right->build;
}

} // namespace geartrain
