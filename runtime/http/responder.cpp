#include "runtime/http/responder.hpp"

#include "runtime/http/reply_slot.hpp"

#include <utility>

namespace geartrain {

// -- reply_slot ------------------------------------------------------------------

void reply_slot::put(std::function<http_response()> compose, std::function<void(bool)> done) {
  std::function<void()> left; // destroyed after the lock is gone
  {
    std::lock_guard guard{mutex_};
    if (std::exchange(answered_, true))
      return;
    left = std::exchange(left_, nullptr);
    if (wake_) {
      answer_ = answer{std::move(compose), std::move(done)};
      wake_();
      return;
    }
  }
  if (done)
    done(false);
}

void reply_slot::on_disconnect(std::function<void()> left) {
  {
    std::lock_guard guard{mutex_};
    if (answered_)
      return;
    if (!peer_gone_) {
      std::swap(left_, left); // the old hook is destroyed after the lock is gone
      return;
    }
  }
  left();
}

std::optional<reply_slot::answer> reply_slot::take() {
  std::lock_guard guard{mutex_};
  return std::exchange(answer_, std::nullopt);
}

void reply_slot::peer_left() {
  std::function<void()> left;
  {
    std::lock_guard guard{mutex_};
    peer_gone_ = true;
    left = std::exchange(left_, nullptr);
  }
  if (left)
    left();
}

void reply_slot::detach() {
  std::function<void()> wake; // destroyed after the lock is gone
  std::optional<answer> unwritten;
  {
    std::lock_guard guard{mutex_};
    wake = std::exchange(wake_, nullptr);
    unwritten = std::exchange(answer_, std::nullopt);
  }
  peer_left();
  if (unwritten && unwritten->done)
    unwritten->done(false);
}

// -- responder -------------------------------------------------------------------

struct responder::last_owner {
  explicit last_owner(std::shared_ptr<reply_slot> s) : slot(std::move(s)) {}
  last_owner(const last_owner&) = delete;
  last_owner& operator=(const last_owner&) = delete;

  ~last_owner() {
    auto dropped = error_response(503, "SERVICE_UNAVAILABLE", "the request was dropped before it was answered");
    dropped.headers.emplace_back("Retry-After", "1");
    slot->put([dropped = std::move(dropped)] { return dropped; }, nullptr);
  }

  std::shared_ptr<reply_slot> slot;
};

responder::responder(std::shared_ptr<reply_slot> slot) : owner_(std::make_shared<last_owner>(std::move(slot))) {}

void responder::operator()(http_response response) const {
  (*this)(std::move(response), nullptr);
}

void responder::operator()(http_response response, std::function<void(bool written)> done) const {
  later([response = std::move(response)]() mutable { return std::move(response); }, std::move(done));
}

void responder::later(std::function<http_response()> compose, std::function<void(bool written)> done) const {
  if (owner_)
    owner_->slot->put(std::move(compose), std::move(done));
}

void responder::on_disconnect(std::function<void()> left) const {
  if (owner_)
    owner_->slot->on_disconnect(std::move(left));
}

} // namespace geartrain
