#pragma once

#include <csignal>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace geartrain {

/// Turns SIGTERM, SIGINT and SIGHUP (unless that is ignored, as by nohup) into a request to end. The first one asks; the
/// second one ends the process at once, whatever it does, with 128 + the number of the signal.
///
/// Make it before any other thread: it blocks the signals, and threads inherit that. One at a time in a process. Public
/// functions are thread-safe.
class stop_signals {
public:
  stop_signals();
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  bool requested() const;

  /// Asks for the end from within, because of a failure. The first reason counts.
  void request(std::string failure_reason);

  /// Blocks until the end is asked for. Empty: by a signal; else the failure.
  std::optional<std::string> wait();

private:
  void ask(std::optional<std::string> failure_reason);
  void listen();

  mutable std::mutex mutex_;
  std::condition_variable asked_;
  bool requested_ = false;
  bool closing_ = false;
  std::optional<std::string> failure_;
  sigset_t signals_{};
  sigset_t before_{};
  std::thread listener_;
};

} // namespace geartrain
