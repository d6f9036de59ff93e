#include "messages/uuid.hpp"

#include <cstring>

namespace geartrain {

namespace {

constexpr std::uint64_t fnv_offset = 14695981039346656037ULL;
constexpr std::uint64_t fnv_prime = 1099511628211ULL;

std::uint64_t fnv1a(const std::array<std::uint8_t, 16>& bytes) {
  auto hash = fnv_offset;
  for (auto byte : bytes)
    hash = (hash ^ byte) * fnv_prime;
  return hash;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

constexpr bool dash_at(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

} // namespace

bool uuid::is_nil() const {
  return *this == uuid{};
}

std::string to_string(const uuid& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (auto byte : id.bytes) {
    if (dash_at(text.size()))
      text += '-';
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36)
    return std::nullopt;
  uuid id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (dash_at(i)) {
      if (text[i] != '-')
        return std::nullopt;
      continue;
    }
    auto value = hex_value(text[i]);
    if (value < 0)
      return std::nullopt;
    auto& byte = id.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>(nibble % 2 == 0 ? value << 4 : byte | value);
    ++nibble;
  }
  return id;
}

uuid make_uuid_v7(std::chrono::milliseconds now_ms, std::uint64_t random_high, std::uint64_t random_low) {
  uuid id;
  auto ms = static_cast<std::uint64_t>(now_ms.count());
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
  for (std::size_t i = 0; i < 2; ++i)
    id.bytes[6 + i] = static_cast<std::uint8_t>(random_high >> (8 * i));
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[8 + i] = static_cast<std::uint8_t>(random_low >> (8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0f));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

task_id make_task_id(std::chrono::microseconds now, std::uint64_t random) {
  auto now_ms = std::chrono::floor<std::chrono::milliseconds>(now);
  auto fraction = static_cast<std::uint64_t>((now - now_ms).count()) * 4096 / 1000;
  // make_uuid_v7 puts the low byte first.
  return make_step_id(make_uuid_v7(now_ms, fraction >> 8 | (fraction & 0xff) << 8, random), 0);
}

step_id make_step_id(const task_id& task, std::uint16_t number) {
  auto id = task;
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number & 0xff);
  return id;
}

task_id task_of(const step_id& step) {
  return make_step_id(step, 0);
}

std::uint16_t number_of(const step_id& step) {
  return static_cast<std::uint16_t>(step.bytes[14] << 8 | step.bytes[15]);
}

std::uint16_t partition_of(const task_id& task) {
  auto hash = fnv1a(task.bytes);
  return static_cast<std::uint16_t>((hash ^ hash >> 32) % partition_count);
}

} // namespace geartrain

std::size_t std::hash<geartrain::uuid>::operator()(const geartrain::uuid& id) const noexcept {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&high, id.bytes.data(), 8);
  std::memcpy(&low, id.bytes.data() + 8, 8);
  return static_cast<std::size_t>((high * 0x9E3779B97F4A7C15ULL) ^ (low + (high >> 29)));
}
