#include "runtime/stop_signals.hpp"

#include <spdlog/spdlog.h>

#include <pthread.h>
#include <unistd.h>

namespace geartrain {

stop_signals::stop_signals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  struct sigaction hang_up {};
  sigaction(SIGHUP, nullptr, &hang_up);
  if (hang_up.sa_handler != SIG_IGN)
    sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  listener_ = std::thread{[this] { listen(); }};
}

stop_signals::~stop_signals() {
  {
    std::lock_guard guard{mutex_};
    closing_ = true;
  }
  pthread_kill(listener_.native_handle(), SIGTERM);
  listener_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool stop_signals::requested() const {
  std::lock_guard guard{mutex_};
  return requested_;
}

void stop_signals::request(std::string failure_reason) {
  ask(std::move(failure_reason));
}

std::optional<std::string> stop_signals::wait() {
  std::unique_lock lock{mutex_};
  asked_.wait(lock, [this] { return requested_; });
  return failure_;
}

void stop_signals::ask(std::optional<std::string> failure_reason) {
  std::lock_guard guard{mutex_};
  if (!requested_)
    failure_ = std::move(failure_reason);
  requested_ = true;
  asked_.notify_all();
}

void stop_signals::listen() {
  for (bool first = true;; first = false) {
    int number = 0;
    sigwait(&signals_, &number);
    {
      std::lock_guard guard{mutex_};
      if (closing_)
        return;
    }
    if (!first)
      _exit(128 + number);
    spdlog::info("{}: stopping; a second signal ends at once", number == SIGINT ? "interrupted" : "asked to end");
    ask(std::nullopt);
  }
}

} // namespace geartrain
