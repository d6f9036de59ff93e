#include "workflow/templates/schema_pattern.hpp"

#include "workflow/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace geartrain {

namespace {

constexpr std::size_t max_pattern_length = 1000;
constexpr std::size_t max_pattern_size = 5000;

std::wstring widen(std::string_view text) {
  static_assert(sizeof(wchar_t) == sizeof(char32_t), "one wchar_t must hold any code point");
  auto points = decode_utf8(text);
  return {points.begin(), points.end()};
}

/// The position behind an atom that is no group: one character, an escape or a class.
std::size_t skip_atom(std::string_view pattern, std::size_t at) {
  if (pattern[at] == '\\')
    return std::min(at + 2, pattern.size());
  if (pattern[at] != '[')
    return at + 1;
  for (++at; at < pattern.size() && pattern[at] != ']'; ++at)
    at += pattern[at] == '\\' ? 1 : 0;
  return std::min(at + 1, pattern.size());
}

/// How often a quantifier that starts at `at` repeats at most; `at` moves behind it. Unbounded ones cost one loop.
std::size_t read_repeat(std::string_view pattern, std::size_t& at) {
  if (at >= pattern.size() || pattern[at] != '{')
    return 1;
  auto end = pattern.find('}', at);
  if (end == std::string_view::npos)
    return 1;
  auto bounds = pattern.substr(at + 1, end - at - 1);
  at = end + 1;
  std::size_t greatest = 1;
  for (std::size_t i = 0; i < bounds.size();) {
    std::size_t number = 0;
    auto result = std::from_chars(bounds.data() + i, bounds.data() + bounds.size(), number);
    if (result.ec == std::errc::result_out_of_range)
      return max_pattern_size + 1;
    greatest = std::max(greatest, number);
    i = static_cast<std::size_t>(result.ptr - bounds.data()) + 1;
  }
  return std::min(greatest, max_pattern_size + 1);
}

/// An estimate of the states that the pattern compiles to: repeats are copied out, nested ones multiply.
std::size_t estimate_size(std::string_view pattern) {
  std::vector<std::size_t> groups{0}; // states of the groups around the position, outermost first
  for (std::size_t at = 0; at < pattern.size();) {
    std::size_t atom = 1;
    if (pattern[at] == '(') {
      groups.push_back(2);
      ++at;
      continue;
    }
    if (pattern[at] == ')' && groups.size() > 1) {
      atom = groups.back();
      groups.pop_back();
      ++at;
    } else {
      at = skip_atom(pattern, at);
    }
    groups.back() = std::min(groups.back() + atom * read_repeat(pattern, at), max_pattern_size + 1);
  }
  return *std::max_element(groups.begin(), groups.end());
}

/// Look-aheads would have to be tried from each position: quadratic time.
bool has_look_around(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size(); at = skip_atom(pattern, at))
    if (auto rest = pattern.substr(at); rest.starts_with("(?") && !rest.starts_with("(?:"))
      return true;
  return false;
}

failure refuse(const std::string& why) {
  return {errc::invalid, why};
}

} // namespace

expected<schema_pattern> schema_pattern::compile(const std::string& pattern) {
  if (count_code_points(pattern) > max_pattern_length)
    return refuse("the pattern has more than " + std::to_string(max_pattern_length) + " characters; shorten it");
  if (has_look_around(pattern))
    return refuse("look-aheads and other (?...) groups but (?:...) are not supported; write the pattern without them");
  if (estimate_size(pattern) > max_pattern_size)
    return refuse("the pattern repeats too much; use smaller numbers in {...}");
  try {
    namespace flags = std::regex_constants;
    // __polynomial selects libstdc++'s breadth-first matcher; the other one needs stack for each character and may take
    // exponential time. It is linear for a match of the whole text, not for a search, hence the frame around it.
    auto regex = std::make_shared<const std::wregex>(L"[\\s\\S]*(?:" + widen(pattern) + L")[\\s\\S]*",
                                                     flags::ECMAScript | flags::__polynomial | flags::nosubs);
    std::wregex alone(widen(pattern), flags::ECMAScript | flags::__polynomial); // "a)(b" only fits into the frame
    return schema_pattern(std::move(regex));
  } catch (const std::regex_error& error) {
    return refuse(std::string("the pattern is not valid: ") + error.what() + "; correct it");
  }
}

bool schema_pattern::is_safe_for_names(std::string_view pattern) {
  auto repeats_at = [&](std::size_t at) {
    if (at >= pattern.size() || pattern[at] == '*' || pattern[at] == '+')
      return at < pattern.size();
    auto bounds = pattern.substr(at, pattern.find('}', at) - at);
    return bounds.starts_with('{') && bounds.find(',') != std::string_view::npos;
  };
  std::size_t open_repeats = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    bool ends_group = pattern[at] == ')';
    at = skip_atom(pattern, at);
    if (repeats_at(at) && (ends_group || ++open_repeats > 2))
      return false;
    if (ends_group && at < pattern.size() && pattern[at] == '{')
      return false;
  }
  return true;
}

bool schema_pattern::found_in(std::string_view text) const {
  return std::regex_match(widen(text), *regex_);
}

} // namespace geartrain
