#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace geartrain {

/// Counters of one actor. Written by the actor and by whoever sends to it, read by the scraper; all atomic.
struct actor_probe {
  /// Upper bounds of the handling-time buckets in microseconds; one more bucket holds the rest.
  static constexpr std::array<std::int64_t, 9> bounds_us{10, 50, 100, 500, 1000, 5000, 25000, 100000, 1000000};

  explicit actor_probe(std::string actor_type) : type(std::move(actor_type)) {}

  /// Counts one handled message that took `spent`.
  void observe(std::chrono::nanoseconds spent);

  const std::string type;
  std::atomic<std::uint64_t> enqueued{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> busy_ns{0};
  std::atomic<std::int64_t> depth{0};     ///< messages in the mailbox now
  std::atomic<std::int64_t> waited_ns{0}; ///< part of the current message's handling that was waiting for the outside
  std::array<std::atomic<std::uint64_t>, bounds_us.size() + 1> buckets{};
};

/// Sums of all probes of one actor type.
struct actor_figures {
  std::string type;
  std::uint64_t instances = 0; ///< alive now
  std::uint64_t restarts = 0;
  std::uint64_t enqueued = 0;
  std::uint64_t handled = 0;
  std::uint64_t busy_ns = 0;
  std::int64_t depth = 0;
  std::array<std::uint64_t, actor_probe::bounds_us.size() + 1> buckets{};
};

/// All probes of the process, summed by actor type; figures of dead actors stay in the sums. Thread-safe.
class probe_set {
public:
  /// Never destroyed: actors may outlive statics.
  static probe_set& instance();

  std::shared_ptr<actor_probe> add(std::string actor_type);
  void count_restart(const std::string& actor_type);

  /// One entry per type, sorted by type.
  std::vector<actor_figures> figures();

private:
  void retire(const actor_probe& probe);

  std::mutex mutex_;
  std::vector<std::weak_ptr<actor_probe>> probes_;
  std::vector<actor_figures> retired_; // sums of probes whose actors are gone, and restarts
};

} // namespace geartrain
