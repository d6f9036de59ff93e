#pragma once

#include "runtime/http/http_message.hpp"

#include <functional>
#include <mutex>
#include <optional>

namespace geartrain {

/// Where the answer to one request meets the connection that waits for it. Thread-safe.
///
/// The connection attaches itself with `wake`, which is called (with the slot locked) when an answer has been left, and
/// detaches when it is closed. While it is attached its event loop runs, so `wake` may post to it.
class reply_slot {
public:
  struct answer {
    std::function<http_response()> compose;
    std::function<void(bool)> done;
  };

  explicit reply_slot(std::function<void()> wake) : wake_(std::move(wake)) {}

  // -- the handler's side ------------------------------------------------------

  void put(std::function<http_response()> compose, std::function<void(bool)> done);
  void on_disconnect(std::function<void()> left);

  // -- the connection's side ---------------------------------------------------

  /// The answer, once it is there.
  std::optional<answer> take();

  /// The client closed its side; the answer may still be written.
  void peer_left();

  /// The connection is gone. An answer that waits here is reported as not written.
  void detach();

private:
  std::mutex mutex_;
  std::function<void()> wake_; // empty: detached
  std::function<void()> left_;
  std::optional<answer> answer_;
  bool answered_ = false;
  bool peer_gone_ = false;
};

} // namespace geartrain
