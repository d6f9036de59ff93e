#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace geartrain::bench {

using steady = std::chrono::steady_clock;

/// The one thread on which a load generator does everything: other parts go on while one of them waits. Not thread-safe.
class event_loop {
public:
  void run_for(steady::duration time) {
    io_.restart();
    io_.run_for(time);
  }

  /// Runs until `condition` holds; false if it does not by then.
  template <class Condition>
  bool run_until(Condition condition, steady::duration patience) {
    auto deadline = steady::now() + patience;
    while (!condition()) {
      if (steady::now() >= deadline)
        return false;
      io_.restart();
      io_.run_one_until(deadline);
    }
    return true;
  }

  boost::asio::io_context& io() { return io_; }

private:
  boost::asio::io_context io_{1};
};

/// Calls a function once, later; never after its own end. Not thread-safe.
class alarm_clock {
public:
  explicit alarm_clock(event_loop& loop) : timer_(loop.io()) {}

  /// Replaces a call that is still to come.
  void set(steady::time_point when, std::function<void()> action) {
    action_ = std::make_shared<std::function<void()>>(std::move(action));
    timer_.expires_at(when);
    timer_.async_wait([weak = std::weak_ptr{action_}](const boost::system::error_code& cancelled) {
      auto due = weak.lock();
      if (due && !cancelled)
        (*due)();
    });
  }

private:
  boost::asio::steady_timer timer_;
  std::shared_ptr<std::function<void()>> action_;
};

} // namespace geartrain::bench
