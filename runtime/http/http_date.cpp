#include "runtime/http/http_date.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace geartrain {

namespace {

constexpr std::array<const char*, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<unsigned> month_of(std::string_view name) {
  for (std::size_t i = 0; i < month_names.size(); ++i)
    if (name == month_names[i])
      return static_cast<unsigned>(i + 1);
  return std::nullopt;
}

struct parts {
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::array<char, 4> month{};
};

std::optional<std::chrono::sys_seconds> assemble(const parts& p) {
  using namespace std::chrono;
  auto month_number = month_of(p.month.data());
  if (!month_number || p.hour > 23 || p.minute > 59 || p.second > 60 || p.hour < 0 || p.minute < 0 || p.second < 0)
    return std::nullopt;
  year_month_day date{year{p.year}, month{*month_number}, day{static_cast<unsigned>(p.day)}};
  if (!date.ok())
    return std::nullopt;
  return sys_days{date} + hours{p.hour} + minutes{p.minute} + seconds{p.second};
}

} // namespace

std::string format_http_date(std::chrono::sys_seconds when) {
  using namespace std::chrono;
  auto days = floor<std::chrono::days>(when);
  year_month_day date{days};
  hh_mm_ss time{when - days};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", day_names[weekday{days}.c_encoding()],
                static_cast<unsigned>(date.day()), month_names[static_cast<unsigned>(date.month()) - 1],
                static_cast<int>(date.year()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text.data();
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  std::string line{text};
  parts p;
  int end = 0;
  auto whole = [&](int fields, int wanted) { return fields == wanted && end == static_cast<int>(line.size()); };
  auto* month = p.month.data();
  if (whole(std::sscanf(line.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &p.day, month, &p.year,
                        &p.hour, &p.minute, &p.second, &end),
            6))
    return assemble(p);
  if (whole(std::sscanf(line.c_str(), "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &p.day, month, &p.year,
                        &p.hour, &p.minute, &p.second, &end),
            6)) {
    p.year += p.year < 70 ? 2000 : 1900;
    return assemble(p);
  }
  if (whole(std::sscanf(line.c_str(), "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &p.day, &p.hour, &p.minute,
                        &p.second, &p.year, &end),
            6))
    return assemble(p);
  return std::nullopt;
}

} // namespace geartrain
