#pragma once

#include "db/poller.hpp"
#include "messages/time.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace geartrain {

/// Hears when transactions of users have put something into the inbox: one connection and one thread of its own, because
/// LISTEN belongs to a session and would bind one of the pool's. Nothing depends on it: who polls the inbox now and then
/// finds everything, only later. Thread-safe.
class inbox_listener {
public:
  struct config {
    std::string dsn; ///< must lead to the server itself: a pooler in transaction mode loses LISTEN
    milliseconds reconnect_min{100};
    milliseconds reconnect_max{5000};
    milliseconds answer_within{5000}; ///< for connecting, and for the answer to LISTEN
  };

  /// Starts at once. `look` is called when something may have arrived, which includes every time that the connection has
  /// come up, since what arrived before was not heard. Many notifications may make one call. It is called by the
  /// listener's thread, one call at a time.
  inbox_listener(config settings, std::function<void()> look);

  /// Waits for a call in progress; afterwards there is none.
  ~inbox_listener();
  inbox_listener(const inbox_listener&) = delete;
  inbox_listener& operator=(const inbox_listener&) = delete;

  bool listening() const { return listening_.load(std::memory_order_acquire); }

private:
  class session;

  void run();
  void rest(milliseconds pause);

  const config config_;
  const std::function<void()> look_;
  poller poller_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> listening_{false};
  std::thread thread_; // last: it uses everything above
};

} // namespace geartrain
