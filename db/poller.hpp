#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace geartrain {

/// epoll over a few descriptors, and an eventfd by which any thread ends the wait. Only wake() is thread-safe.
class poller {
public:
  poller();
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// Watches `fd` (-1: nothing) under the number `slot`. To be called again whenever the descriptor or what is wanted
  /// may have changed; a descriptor that was closed in between is recognised.
  void watch(std::size_t slot, int fd, std::uint32_t interest);

  /// Slots whose descriptor is ready, at most after `longest`; empty after a time-out or a wake().
  std::vector<std::size_t> wait(std::chrono::milliseconds longest);

  void wake();

private:
  int epoll_;
  int event_;
};

} // namespace geartrain
