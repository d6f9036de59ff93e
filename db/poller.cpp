#include "db/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

namespace geartrain {

namespace {

constexpr std::uint64_t wake_slot = std::numeric_limits<std::uint64_t>::max();

} // namespace

poller::poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = wake_slot;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event);
}

poller::~poller() {
  ::close(event_);
  ::close(epoll_);
}

void poller::watch(std::size_t slot, int fd, std::uint32_t interest) {
  if (fd < 0)
    return;
  // libpq closes and opens sockets on its own, and a new one may get the old number: the kernel alone knows if it is
  // watched.
  epoll_event event{};
  event.events = interest;
  event.data.u64 = slot;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

std::vector<std::size_t> poller::wait(std::chrono::milliseconds longest) {
  std::array<epoll_event, 32> events{};
  auto limit = std::clamp<std::int64_t>(longest.count(), 0, std::numeric_limits<int>::max());
  auto count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(limit));
  std::vector<std::size_t> ready;
  for (int i = 0; i < count; ++i) {
    auto slot = events[static_cast<std::size_t>(i)].data.u64;
    std::uint64_t times = 0;
    if (slot != wake_slot)
      ready.push_back(slot);
    else if (::read(event_, &times, sizeof times) < 0)
      continue; // somebody's wake() is seen already
  }
  return ready;
}

void poller::wake() {
  std::uint64_t once = 1;
  if (::write(event_, &once, sizeof once) < 0)
    return; // the counter is full: the wait ends anyway
}

} // namespace geartrain
