#pragma once

#include "messages/expected.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace geartrain {

/// The promise of exactly one answer across the border between actors and the rest of the process.
///
/// Copies share one state. The first call delivers; later calls do nothing. If the last copy goes away unanswered (its
/// actor died, its message was dropped) the callback gets errc::dropped: a lost request can't go unnoticed.
/// Thread-safe; the callback runs on the thread that answers and must not block.
template <class T>
class completion {
public:
  using callback = std::function<void(expected<T>)>;

  completion() = default;
  explicit completion(callback fn) : state_(std::make_shared<state>(std::move(fn))) {}

  void operator()(expected<T> answer) const {
    if (state_)
      state_->deliver(std::move(answer));
  }

  explicit operator bool() const { return state_ != nullptr; }

private:
  struct state {
    explicit state(callback f) : fn(std::move(f)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { deliver(failure{errc::dropped, "the request was dropped before it was answered"}); }

    void deliver(expected<T> answer) {
      if (!answered.exchange(true))
        fn(std::move(answer));
    }

    callback fn;
    std::atomic<bool> answered{false};
  };

  std::shared_ptr<state> state_;
};

} // namespace geartrain
