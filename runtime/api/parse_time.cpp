#include "runtime/api/parse_time.hpp"

#include <chrono>
#include <cstdint>

namespace geartrain {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes pieces off the front of a text; after the first that does not fit, `ok` is false.
struct piece_reader {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count && ok; ++i) {
      ok = !rest.empty() && is_digit(rest.front());
      number = ok ? number * 10 + (rest.front() - '0') : 0;
      rest.remove_prefix(ok ? 1 : 0);
    }
    return number;
  }

  void exactly(std::string_view wanted) {
    ok = ok && rest.starts_with(wanted);
    rest.remove_prefix(ok ? wanted.size() : 0);
  }

  std::int64_t micros() {
    if (!ok || !rest.starts_with('.'))
      return 0;
    rest.remove_prefix(1);
    std::int64_t sum = 0;
    std::size_t count = 0;
    for (std::int64_t unit = 100'000; !rest.empty() && is_digit(rest.front()); unit /= 10, ++count) {
      sum += unit * (rest.front() - '0');
      rest.remove_prefix(1);
    }
    ok = count >= 1 && count <= 9;
    return sum;
  }
};

} // namespace

std::optional<timestamp> parse_time(std::string_view text) {
  using namespace std::chrono;
  piece_reader in{text};
  auto year_number = in.digits(4);
  in.exactly("-");
  auto month_number = in.digits(2);
  in.exactly("-");
  auto day_number = in.digits(2);
  in.exactly("T");
  auto hour = in.digits(2);
  in.exactly(":");
  auto minute = in.digits(2);
  in.exactly(":");
  auto second = in.digits(2);
  auto micro = in.micros();
  year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                      day{static_cast<unsigned>(day_number)}};
  bool in_range = year_number > 0 && date.ok() && hour < 24 && minute < 60 && second < 60;
  if (!in.ok || !in_range || (in.rest != "Z" && in.rest != "+00:00"))
    return std::nullopt;
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + microseconds{micro};
}

} // namespace geartrain
