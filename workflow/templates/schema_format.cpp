#include "workflow/templates/schema_format.hpp"

#include "messages/uuid.hpp"

#include <chrono>
#include <optional>

namespace geartrain {

namespace {

/// Reads `digits` decimal digits off the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits)
    return std::nullopt;
  unsigned value = 0;
  for (auto c : text.substr(0, digits)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected))
    return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text) {
  auto year = take_number(text, 4);
  if (!year || !take(text, '-'))
    return false;
  auto month = take_number(text, 2);
  if (!month || !take(text, '-'))
    return false;
  auto day = take_number(text, 2);
  return day && std::chrono::year_month_day(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                            std::chrono::day(*day))
                  .ok();
}

bool take_hour_and_minute(std::string_view& text) {
  auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':'))
    return false;
  auto minute = take_number(text, 2);
  return minute && *minute <= 59;
}

bool take_time(std::string_view& text) {
  if (!take_hour_and_minute(text) || !take(text, ':'))
    return false;
  auto second = take_number(text, 2);
  if (!second || *second > 60)
    return false;
  if (take(text, '.')) {
    if (!take_number(text, 1))
      return false;
    while (take_number(text, 1)) {
    }
  }
  if (take(text, 'Z') || take(text, 'z'))
    return true;
  return (take(text, '+') || take(text, '-')) && take_hour_and_minute(text);
}

} // namespace

bool has_format(std::string_view text, std::string_view format) {
  if (format == "date")
    return take_date(text) && text.empty();
  if (format == "time")
    return take_time(text) && text.empty();
  if (format == "date-time")
    return take_date(text) && (take(text, 'T') || take(text, 't')) && take_time(text) && text.empty();
  if (format == "uuid")
    return parse_uuid(text).has_value();
  return true;
}

} // namespace geartrain
