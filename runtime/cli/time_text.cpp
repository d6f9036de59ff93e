#include "runtime/cli/time_text.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace geartrain {

std::optional<timestamp> parse_utc(std::string_view text) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int used = 0;
  std::string copy{text};
  if (std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second, &used) != 6)
    return std::nullopt;
  std::string_view rest = text.substr(static_cast<std::size_t>(used));
  std::int64_t micros = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    for (std::int64_t unit = 100000; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; unit /= 10) {
      micros += (rest.front() - '0') * unit;
      rest.remove_prefix(1);
    }
  }
  std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (rest != "Z" || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::microseconds{micros};
}

std::string short_time(std::string_view utc) {
  if (!parse_utc(utc))
    return std::string{utc};
  return fmt::format("{} {}", utc.substr(0, 10), utc.substr(11, 8));
}

std::string show_duration(milliseconds spent) {
  auto ms = spent.count();
  if (ms < 1000)
    return fmt::format("{} ms", ms);
  if (ms < 60000)
    return fmt::format("{:.2f} s", static_cast<double>(ms) / 1000.0);
  auto seconds = ms / 1000;
  if (seconds < 3600)
    return fmt::format("{} m {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} m", seconds / 3600, seconds % 3600 / 60);
}

} // namespace geartrain
