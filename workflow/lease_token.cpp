#include "workflow/lease_token.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace geartrain {

namespace {

constexpr std::size_t body_bytes = 40;
constexpr std::size_t token_bytes = body_bytes + 8;
constexpr std::size_t token_chars = (token_bytes * 8 + 5) / 6;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void put(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (auto shift = bytes * 8; shift > 0; shift -= 8)
    out += static_cast<char>(value >> (shift - 8) & 0xff);
}

std::uint64_t get(std::string_view& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<std::uint8_t>(in[i]);
  in.remove_prefix(bytes);
  return value;
}

std::string to_base64url(std::string_view bytes) {
  std::string text;
  text.reserve(token_chars);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (auto c : bytes) {
    buffer = (buffer << 8 | static_cast<std::uint8_t>(c)) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[buffer >> bits & 63];
    }
  }
  if (bits > 0)
    text += alphabet[buffer << (6 - bits) & 63];
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  std::uint32_t buffer = 0;
  int bits = 0;
  for (auto c : text) {
    auto value = alphabet.find(c);
    if (value == std::string_view::npos)
      return std::nullopt;
    buffer = (buffer << 6 | static_cast<std::uint32_t>(value)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(buffer >> bits & 0xff);
    }
  }
  return bytes;
}

} // namespace

token_mint::token_mint(std::string secret) : secret_(std::move(secret)) {
  if (secret_.empty())
    throw std::invalid_argument("the secret of lease tokens must not be empty");
}

std::uint64_t token_mint::checksum(std::string_view bytes) const {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(), &size);
  std::string_view view{reinterpret_cast<const char*>(digest.data()), 8};
  return get(view, 8);
}

std::string token_mint::encode(const lease_token& token) const {
  std::string bytes;
  bytes.reserve(token_bytes);
  bytes.append(reinterpret_cast<const char*>(token.step.bytes.data()), token.step.bytes.size());
  put(bytes, token.attempt, 2);
  put(bytes, token.yields, 2);
  put(bytes, token.epoch, 4);
  put(bytes, static_cast<std::uint64_t>(token.expires_at.time_since_epoch().count()), 8);
  put(bytes, token.nonce, 8);
  put(bytes, checksum(bytes), 8);
  return to_base64url(bytes);
}

std::optional<lease_token> token_mint::decode(std::string_view text) const {
  if (text.size() != token_chars)
    return std::nullopt;
  auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != token_bytes)
    return std::nullopt;
  std::string_view rest{*bytes};
  auto expected_sum = checksum(rest.substr(0, body_bytes));
  lease_token token;
  for (auto& byte : token.step.bytes)
    byte = static_cast<std::uint8_t>(get(rest, 1));
  token.attempt = static_cast<std::uint16_t>(get(rest, 2));
  token.yields = static_cast<std::uint16_t>(get(rest, 2));
  token.epoch = static_cast<std::uint32_t>(get(rest, 4));
  token.expires_at = timestamp{std::chrono::microseconds{static_cast<std::int64_t>(get(rest, 8))}};
  token.nonce = get(rest, 8);
  auto given_sum = get(rest, 8);
  if (CRYPTO_memcmp(&expected_sum, &given_sum, sizeof given_sum) != 0)
    return std::nullopt;
  return token;
}

} // namespace geartrain
