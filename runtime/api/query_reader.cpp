#include "runtime/api/query_reader.hpp"

#include <charconv>

namespace geartrain {

std::optional<std::string> query_reader::text(std::string_view name) const {
  auto value = request_.query_value(name);
  return value ? std::optional<std::string>{*value} : std::nullopt;
}

std::uint32_t query_reader::number(std::string_view name, std::uint32_t fallback, std::uint32_t min,
                                   std::uint32_t max) {
  auto value = request_.query_value(name);
  if (!value)
    return fallback;
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc{} && end == value->data() + value->size() && number >= min && number <= max)
    return number;
  wrong(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) + ", not " +
                std::string{value->substr(0, 60)});
  return fallback;
}

void query_reader::wrong(std::string_view name, std::string message) {
  found_.push_back({std::string{name}, std::nullopt, std::move(message)});
}

} // namespace geartrain
