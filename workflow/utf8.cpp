#include "workflow/utf8.hpp"

#include <cstdint>

namespace geartrain {

namespace {

struct decoded {
  char32_t code_point = 0;
  std::size_t bytes = 0; ///< 0: not well-formed
};

decoded decode_one(std::string_view text) {
  auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80)
    return {lead, 1};
  std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
    return {};
  char32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80)
      return {};
    value = value << 6 | (next & 0x3fu);
  }
  bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff)
    return {};
  return {value, bytes};
}

} // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto next = decode_one(text);
    out += next.bytes > 0 ? next.code_point : U'\ufffd';
    text.remove_prefix(next.bytes > 0 ? next.bytes : 1);
  }
  return out;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (auto c : text)
    count += (static_cast<std::uint8_t>(c) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

std::size_t find_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto next = decode_one(text.substr(at));
    if (next.bytes == 0)
      return at;
    at += next.bytes;
  }
  return std::string_view::npos;
}

} // namespace geartrain
