#include "workflow/canonical_json.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (auto c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          out += "\\u00";
          out += hex_digits[byte >> 4];
          out += hex_digits[byte & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// Bytes of UTF-8 sort like code points; UTF-16 differs only in that the surrogates of everything above U+FFFF come
/// before U+E000 to U+FFFF.
bool less_utf16(std::string_view a, std::string_view b) {
  auto [pa, pb] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (pa == a.end() || pb == b.end())
    return pa == a.end() && pb != b.end();
  auto rank = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    bool above_surrogates = byte == 0xee || byte == 0xef; // lead bytes of U+E000 to U+FFFF
    return above_surrogates ? 0x100 + byte : byte;
  };
  return rank(*pa) < rank(*pb);
}

void append(std::string& out, const json& value);

void append_object(std::string& out, const json& value) {
  std::vector<json::const_iterator> members;
  members.reserve(value.size());
  for (auto i = value.begin(); i != value.end(); ++i)
    members.push_back(i);
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return less_utf16(a.key(), b.key()); });
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0)
      out += ',';
    append_string(out, members[i].key());
    out += ':';
    append(out, members[i].value());
  }
  out += '}';
}

void append(std::string& out, const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      append_object(out, value);
      break;
    case json::value_t::array:
      out += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0)
          out += ',';
        append(out, value[i]);
      }
      out += ']';
      break;
    case json::value_t::string:
      append_string(out, value.get_ref<const std::string&>());
      break;
    case json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      break;
    case json::value_t::number_integer:
      out += std::to_string(value.get<std::int64_t>());
      break;
    case json::value_t::number_unsigned:
      out += std::to_string(value.get<std::uint64_t>());
      break;
    case json::value_t::number_float:
      out += canonical_number(value.get<double>());
      break;
    default:
      out += "null";
  }
}

} // namespace

std::string canonical_json(const json& value) {
  std::string out;
  append(out, value);
  return out;
}

std::string canonical_number(double value) {
  if (value == 0)
    return "0";
  std::array<char, 32> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data())); // "-d.ddde-NN", shortest
  std::string out;
  if (text.front() == '-') {
    out = "-";
    text.remove_prefix(1);
  }
  auto mark = text.find('e');
  std::string digits(1, text.front());
  if (mark > 2)
    digits += text.substr(2, mark - 2);
  int exponent = 0;
  auto power = text.substr(mark + (text[mark + 1] == '+' ? 2 : 1));
  std::from_chars(power.data(), power.data() + power.size(), exponent);

  auto count = static_cast<int>(digits.size());
  auto point = exponent + 1; // digits before the decimal point, the n of ECMAScript's Number::toString
  if (point > 21 || point < -5) {
    out += digits.substr(0, 1);
    if (count > 1)
      out += "." + digits.substr(1);
    return out + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  }
  if (point <= 0)
    return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (point >= count)
    return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
  return out + digits.substr(0, static_cast<std::size_t>(point)) + "." + digits.substr(static_cast<std::size_t>(point));
}

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned int length = 0;
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  if (EVP_Digest(bytes.data(), bytes.size(), out, &length, EVP_sha256(), nullptr) != 1 || length != digest.size())
    throw std::runtime_error("the cryptography library offers no SHA-256");
  return digest;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
  return out;
}

} // namespace geartrain
