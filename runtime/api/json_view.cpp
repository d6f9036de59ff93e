#include "runtime/api/json_view.hpp"

#include <algorithm>
#include <charconv>

namespace geartrain {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The position behind the string that starts at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.size();
}

/// The position behind the value that starts at or after `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    auto c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (depth == 0)
        return at;
      continue;
    }
    bool closes = c == ']' || c == '}';
    if (depth == 0 && (closes || c == ','))
      return at;
    if (c == '[' || c == '{')
      ++depth;
    ++at;
    if (closes && --depth == 0)
      return at;
  }
  return at;
}

std::size_t skip_blanks_and(std::string_view text, std::size_t at, char separator) {
  while (at < text.size() && (text[at] == separator || blanks.find(text[at]) != std::string_view::npos))
    ++at;
  return at;
}

void append_utf8(std::string& out, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// The four hexadecimal digits at `at`; 0 if the text ends before.
std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t code = 0;
  if (at + 4 <= text.size())
    std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  return code;
}

/// Appends what the escape at `at` (behind the backslash) stands for; returns the position behind it.
std::size_t unescape(std::string& out, std::string_view text, std::size_t at) {
  static constexpr std::string_view letters = "bfnrt";
  static constexpr std::string_view meanings = "\b\f\n\r\t";
  if (text[at] != 'u') {
    auto found = letters.find(text[at]);
    out += found == std::string_view::npos ? text[at] : meanings[found];
    return at + 1;
  }
  auto code = hex4(text, at + 1);
  at += 5;
  if (code >= 0xd800 && code < 0xdc00) { // the second half follows: \uXXXX
    code = 0x10000 + ((code - 0xd800) << 10) + ((hex4(text, at + 2) - 0xdc00) & 0x3ff);
    at += 6;
  }
  append_utf8(out, code);
  return at;
}

std::string unquote(std::string_view text) {
  auto inner = text.size() >= 2 ? text.substr(1, text.size() - 2) : std::string_view{};
  std::string out;
  out.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size();) {
    if (inner[i] == '\\' && i + 1 < inner.size())
      i = unescape(out, inner, i + 1);
    else
      out += inner[i++];
  }
  return out;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace

json_view::json_view(std::string_view text) : text_(trim(text)) {
  if (text_.empty())
    text_ = "null";
}

json_view::kind json_view::type() const {
  switch (text_.front()) {
    case '{':
      return kind::object;
    case '[':
      return kind::array;
    case '"':
      return kind::string;
    case 't':
    case 'f':
      return kind::boolean;
    case 'n':
      return kind::null;
    default:
      return kind::number;
  }
}

std::optional<bool> json_view::as_bool() const {
  return type() == kind::boolean ? std::optional{text_.front() == 't'} : std::nullopt;
}

std::optional<std::int64_t> json_view::as_integer() const {
  return type() == kind::number ? parse_number<std::int64_t>(text_) : std::nullopt;
}

std::optional<double> json_view::as_number() const {
  return type() == kind::number ? parse_number<double>(text_) : std::nullopt;
}

std::optional<std::string> json_view::as_string() const {
  return type() == kind::string ? std::optional{unquote(text_)} : std::nullopt;
}

std::vector<json_view> json_view::elements() const {
  std::vector<json_view> all;
  if (type() != kind::array)
    return all;
  auto inner = text_.substr(1, text_.size() - std::min<std::size_t>(2, text_.size()));
  for (auto at = skip_blanks_and(inner, 0, ','); at < inner.size(); at = skip_blanks_and(inner, at, ',')) {
    auto end = std::max(skip_value(inner, at), at + 1);
    all.emplace_back(inner.substr(at, end - at));
    at = end;
  }
  return all;
}

std::vector<std::pair<std::string, json_view>> json_view::members() const {
  std::vector<std::pair<std::string, json_view>> all;
  if (type() != kind::object)
    return all;
  auto inner = text_.substr(1, text_.size() - std::min<std::size_t>(2, text_.size()));
  for (auto at = skip_blanks_and(inner, 0, ','); at < inner.size(); at = skip_blanks_and(inner, at, ',')) {
    auto name_end = skip_string(inner, at);
    auto begin = skip_blanks_and(inner, name_end, ':');
    auto end = std::max(skip_value(inner, begin), at + 1);
    all.emplace_back(unquote(inner.substr(at, name_end - at)),
                     json_view{inner.substr(std::min(begin, inner.size()), end - begin)});
    at = end;
  }
  return all;
}

std::optional<json_view> json_view::member(std::string_view name) const {
  std::optional<json_view> found;
  for (auto& [key, value] : members())
    if (key == name)
      found = value;
  return found;
}

std::size_t json_depth(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto c = text[at];
    if (c == '"')
      at = skip_string(text, at) - 1;
    else if (c == '[' || c == '{')
      deepest = std::max(deepest, ++depth);
    else if ((c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

} // namespace geartrain
