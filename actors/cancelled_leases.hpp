#pragma once

#include "messages/worker.hpp"

#include <deque>
#include <unordered_set>
#include <utility>

namespace geartrain {

/// Remembers for a while which leases were cancelled, so that their workers learn why they lost them. Bounded: the oldest
/// are forgotten first. Not thread-safe.
class cancelled_leases {
public:
  void add(const lease_token& token, timestamp now) {
    nonces_.insert(token.nonce);
    by_time_.emplace_back(now, token.nonce);
    if (by_time_.size() > most)
      drop_oldest();
  }

  bool knows(const lease_token& token) const { return nonces_.contains(token.nonce); }

  void forget(timestamp before) {
    while (!by_time_.empty() && by_time_.front().first < before)
      drop_oldest();
  }

private:
  static constexpr std::size_t most = 100000;

  void drop_oldest() {
    nonces_.erase(by_time_.front().second);
    by_time_.pop_front();
  }

  std::unordered_set<std::uint64_t> nonces_;
  std::deque<std::pair<timestamp, std::uint64_t>> by_time_;
};

} // namespace geartrain
