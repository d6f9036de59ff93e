#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace geartrain {

/// Counters of one route; all atomic.
struct route_metrics {
  /// Upper bounds of the duration buckets in microseconds; one more bucket holds the rest.
  static constexpr std::array<std::int64_t, 10> bounds_us{250,   500,   1000,   2500,    5000,
                                                          10000, 50000, 250000, 1000000, 10000000};

  route_metrics(std::string m, std::string p) : method(std::move(m)), pattern(std::move(p)) {}

  /// Counts one answered request; `status` is the HTTP status, `spent` runs from the complete request to the answer.
  void observe(unsigned status, std::chrono::nanoseconds spent);

  const std::string method;
  const std::string pattern;
  std::array<std::atomic<std::uint64_t>, 5> by_class{}; ///< answers 1xx to 5xx
  std::array<std::atomic<std::uint64_t>, bounds_us.size() + 1> buckets{};
  std::atomic<std::uint64_t> spent_ns{0};
};

/// Counters of the HTTP server. Labels are bounded: routes are counted by pattern, what fits no route as one entry with
/// the pattern "unmatched". Thread-safe.
class http_metrics {
public:
  http_metrics();

  /// The entry of a route; lives as long as this object.
  route_metrics& add(std::string method, std::string pattern);

  /// Requests that reached no route (unknown paths, malformed requests).
  route_metrics& unmatched() { return *unmatched_; }

  /// Every entry, in the order added.
  std::vector<const route_metrics*> entries() const;

  std::atomic<std::int64_t> connections{0};   ///< open now
  std::atomic<std::int64_t> pending{0};       ///< requests that wait for their answer now
  std::atomic<std::uint64_t> accepted{0};     ///< connections accepted
  std::atomic<std::uint64_t> refused{0};      ///< connections over the bound
  std::atomic<std::uint64_t> timed_out{0};    ///< connections closed by a timeout while a request was incomplete
  std::atomic<std::uint64_t> disconnected{0}; ///< clients that left before their answer

private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<route_metrics>> entries_;
  route_metrics* unmatched_;
};

} // namespace geartrain
