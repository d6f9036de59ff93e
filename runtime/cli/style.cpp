#include "runtime/cli/style.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace geartrain {

namespace {

bool is_set(const char* variable) {
  auto value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

std::string_view escape_of(colour c) {
  switch (c) {
    case colour::grey:
      return "\x1b[90m";
    case colour::red:
      return "\x1b[31m";
    case colour::green:
      return "\x1b[32m";
    case colour::yellow:
      return "\x1b[33m";
    case colour::cyan:
      return "\x1b[36m";
    case colour::bold:
      return "\x1b[1m";
    case colour::none:
      break;
  }
  return {};
}

} // namespace

bool style::wanted_on(int descriptor) {
  auto terminal = std::getenv("TERM");
  bool dumb = terminal == nullptr || std::string_view{terminal} == "dumb";
  return isatty(descriptor) == 1 && !dumb && !is_set("NO_COLOR");
}

std::string style::paint(colour c, std::string_view text) const {
  if (!coloured_ || c == colour::none)
    return std::string{text};
  return std::string{escape_of(c)}.append(text).append("\x1b[0m");
}

colour colour_of_state(std::string_view state) {
  if (state == "complete" || state == "resolved_manually")
    return colour::green;
  if (state == "error" || state == "blocked_by_failures" || state == "enqueued_as_error_for_orchestration")
    return colour::red;
  if (state == "waiting_for_retry" || state == "cancelled")
    return colour::yellow;
  if (state == "pending" || state == "waiting_for_dependencies")
    return colour::grey;
  return colour::cyan;
}

std::size_t display_width(std::string_view text) {
  auto starts_code_point = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

} // namespace geartrain
