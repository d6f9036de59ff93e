#pragma once

#include "messages/turn.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace geartrain {

/// Hands the fast and broadcast events of committed turns to those who listen in this process. Nothing is kept: who does
/// not listen misses them; the durable ones stand in the database. Thread-safe.
class event_feed {
public:
  /// Runs on the thread of the turn that published: it must be quick and must not throw.
  using listener = std::function<void(const std::string& namespace_name, const domain_event& event)>;

  std::uint64_t listen(listener fn);
  void stop_listening(std::uint64_t id);

  void publish(const std::string& namespace_name, const std::vector<domain_event>& events);

  std::uint64_t published() const { return published_.load(std::memory_order_relaxed); }

private:
  std::mutex mutex_;
  std::map<std::uint64_t, listener> listeners_;
  std::uint64_t next_id_ = 1;
  std::atomic<std::uint64_t> published_{0};
};

} // namespace geartrain
