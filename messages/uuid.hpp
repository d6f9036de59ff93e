#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace geartrain {

/// 128-bit identifier in network byte order. A plain value; all functions are thread-safe.
struct uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend bool operator==(const uuid&, const uuid&) = default;
  friend auto operator<=>(const uuid&, const uuid&) = default;

  /// True for the all-zero id, which never names anything.
  bool is_nil() const;
};

/// A task's id: a UUIDv7 whose last 16 bits are zero.
using task_id = uuid;

/// A step's id: its task's id with the 1-based step number in the last 16 bits.
using step_id = uuid;

/// Most steps that one task can ever have (the step number has 16 bits and 0 is the task itself).
inline constexpr std::size_t max_steps_per_task = 65535;

/// Lower-case canonical text, 36 characters.
std::string to_string(const uuid& id);

/// Parses canonical text in either case; nothing else is accepted.
std::optional<uuid> parse_uuid(std::string_view text);

/// A new UUIDv7 of time `now` (since 1970) filled up with random bits, its last 16 bits zero. The 12 bits after the
/// milliseconds hold the fraction of the millisecond, so that ids made one after the other on a node are in order.
task_id make_task_id(std::chrono::microseconds now, std::uint64_t random);

/// A UUIDv7 with 74 random bits, for correlation and request ids.
uuid make_uuid_v7(std::chrono::milliseconds now_ms, std::uint64_t random_high, std::uint64_t random_low);

/// The id of step `number` (1-based) of `task`.
step_id make_step_id(const task_id& task, std::uint16_t number);

/// The task that a step id belongs to: no query needed.
task_id task_of(const step_id& step);

/// The 1-based step number in a step id; 0 if it is a task's id.
std::uint16_t number_of(const step_id& step);

/// Number of ownership partitions in a cluster.
inline constexpr std::uint16_t partition_count = 256;

/// The partition of a task: FNV-1a over its id, modulo 256. Stable for ever: it is stored.
std::uint16_t partition_of(const task_id& task);

} // namespace geartrain

template <>
struct std::hash<geartrain::uuid> {
  std::size_t operator()(const geartrain::uuid& id) const noexcept;
};
