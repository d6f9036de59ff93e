#include "db/inbox_listener.hpp"

#include "db/blocking_session.hpp"
#include "db/statements.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace geartrain {

namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{5000};

/// A descriptor that becomes readable when the thread must end.
class stop_signal {
public:
  stop_signal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0)
      throw std::runtime_error("eventfd failed");
  }
  ~stop_signal() { close(fd_); }
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;

  int fd() const { return fd_; }
  bool given() const { return given_; }

  void give() {
    given_ = true;
    eventfd_write(fd_, 1);
  }

  void sleep(std::chrono::milliseconds time) const {
    pollfd waiting{fd_, POLLIN, 0};
    poll(&waiting, 1, static_cast<int>(time.count()));
  }

private:
  int fd_;
  std::atomic<bool> given_{false};
};

} // namespace

struct inbox_listener::parts {
  std::string dsn;
  std::function<void()> told;
  stop_signal stop;
  std::thread thread;

  void run() {
    auto pause = first_pause;
    while (!stop.given()) {
      if (listen())
        pause = first_pause;
      if (stop.given())
        return;
      stop.sleep(pause);
      pause = std::min(pause * 2, longest_pause);
    }
  }

  /// Listens until the connection breaks or the stop is given; false if there was none at all.
  bool listen() {
    auto session = blocking_session::open(dsn);
    if (!session || !(*session)->run(blocking_sql::listen_to_inbox))
      return false;
    while (!stop.given()) {
      told();
      if (auto news = (*session)->wait_for_notification(stop.fd()); !news) {
        spdlog::debug("the inbox listener lost its connection: {}", news.error().message);
        return true;
      }
    }
    return true;
  }
};

inbox_listener::inbox_listener(std::string dsn, std::function<void()> told) : parts_(std::make_unique<parts>()) {
  parts_->dsn = std::move(dsn);
  parts_->told = std::move(told);
  parts_->thread = std::thread([p = parts_.get()] { p->run(); });
}

inbox_listener::~inbox_listener() {
  parts_->stop.give();
  parts_->thread.join();
}

} // namespace geartrain
