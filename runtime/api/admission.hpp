#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace geartrain {

/// What is admitted at the door; mailboxes behind it have no bound of their own.
enum class admission_kind : std::uint8_t { creation, report, poll, read, wait };
inline constexpr std::size_t admission_kind_count = 5;

std::string_view to_string(admission_kind kind);

/// How much of each kind may be inside at one time.
struct admission_limits {
  std::uint32_t creations = 2048; ///< task creations and template registrations
  std::uint32_t reports = 16384;  ///< step results
  std::uint32_t polls = 16384;    ///< polls, waiting ones included
  std::uint32_t reads = 2048;     ///< reads, lists and heartbeats
  std::uint32_t waits = 16384;    ///< reads that wait for the end of a task; one too many is answered at once
};

/// Held while a request is inside; gives its credit back when the last copy goes away. Empty: refused.
using admission_ticket = std::shared_ptr<const void>;

/// Credit counters that bound what HTTP lets into the actors. Over the bound a request is refused at once, before it
/// costs anything. Tickets may outlive this object. Thread-safe, never blocks.
class admission {
public:
  explicit admission(admission_limits limits = {});

  /// Takes `amount` credits of `kind`, all or none. An amount over the whole limit is let in when nothing else is.
  admission_ticket enter(admission_kind kind, std::uint32_t amount = 1);

  std::uint32_t in_flight(admission_kind kind) const;
  std::uint32_t limit(admission_kind kind) const;
  std::uint64_t refused(admission_kind kind) const;

private:
  struct counter {
    std::atomic<std::uint32_t> used{0};
    std::atomic<std::uint64_t> refused{0};
    std::uint32_t limit = 0;
  };

  std::shared_ptr<std::array<counter, admission_kind_count>> counters_;
};

} // namespace geartrain
