#include "runtime/api/query_reader.hpp"

#include "runtime/api/parse_time.hpp"
#include "workflow/utf8.hpp"

#include <charconv>

namespace geartrain {

namespace {

constexpr std::size_t max_excerpt = 60;

/// The start of a value, for messages, which must be valid UTF-8 whatever came.
std::string shown(std::string_view value) {
  return is_plain_text(value.substr(0, max_excerpt)) ? std::string{value.substr(0, max_excerpt)} : "what was given";
}

} // namespace

bool is_plain_text(std::string_view text) {
  return find_bad_utf8(text) == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

std::optional<std::string> query_reader::text(std::string_view name, text_limits limits) {
  auto value = request_.query_value(name);
  return value ? checked(name, *value, limits) : std::nullopt;
}

std::vector<std::string> query_reader::texts(std::string_view name, std::size_t max_count, text_limits limits) {
  std::vector<std::string> all;
  std::size_t given = 0;
  for (const auto& [key, value] : request_.query)
    if (key == name && ++given <= max_count)
      if (auto content = checked(name, value, limits))
        all.push_back(std::move(*content));
  if (given > max_count)
    wrong(name, "may be given at most " + std::to_string(max_count) + " times");
  return all;
}

std::optional<timestamp> query_reader::time(std::string_view name) {
  auto value = request_.query_value(name);
  if (!value)
    return std::nullopt;
  auto parsed = parse_time(*value);
  if (!parsed)
    wrong(name, "must be a UTC time such as 2026-01-31T12:00:00Z, not " + shown(*value));
  return parsed;
}

std::optional<uuid> query_reader::id(std::string_view name) {
  auto value = request_.query_value(name);
  if (!value)
    return std::nullopt;
  auto parsed = parse_uuid(*value);
  if (!parsed)
    wrong(name, "must be a UUID, not " + shown(*value));
  return parsed;
}

std::uint32_t query_reader::number(std::string_view name, std::uint32_t fallback, std::uint32_t min,
                                   std::uint32_t max) {
  return static_cast<std::uint32_t>(large_number(name, fallback, min, max));
}

std::int64_t query_reader::large_number(std::string_view name, std::int64_t fallback, std::int64_t min,
                                        std::int64_t max) {
  auto value = request_.query_value(name);
  if (!value)
    return fallback;
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc{} && end == value->data() + value->size() && number >= min && number <= max)
    return number;
  wrong(name,
        "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) + ", not " + shown(*value));
  return fallback;
}

void query_reader::wrong(std::string_view name, std::string message) {
  found_.push_back({std::string{name}, std::nullopt, std::move(message)});
}

std::optional<std::string> query_reader::checked(std::string_view name, std::string_view value, text_limits limits) {
  if (!is_plain_text(value)) {
    wrong(name, "must be UTF-8 without U+0000");
    return std::nullopt;
  }
  if (auto length = count_code_points(value); length < limits.min || length > limits.max) {
    wrong(name, "must have " + std::to_string(limits.min) + " to " + std::to_string(limits.max) + " characters");
    return std::nullopt;
  }
  return std::string{value};
}

} // namespace geartrain
