#pragma once

#include "runtime/http/http_message.hpp"

#include <functional>
#include <memory>

namespace geartrain {

class reply_slot;

/// The right to answer one request once, from any thread, now or later.
///
/// Copies share one right: the first answer counts, later ones do nothing. If the last copy goes away unanswered, the
/// client gets 503 SERVICE_UNAVAILABLE. Holding one costs no thread. Thread-safe.
class responder {
public:
  responder() = default;
  explicit responder(std::shared_ptr<reply_slot> slot);

  /// Answers the request.
  void operator()(http_response response) const;

  /// Answers the request and tells what became of it, once, on a thread of the server or of the caller: true when the
  /// answer was handed to the network; false when the connection broke first, or when the client had already closed its
  /// side (then nothing is written). What was promised in the answer can so be taken back. Not called if the request was
  /// answered before.
  void operator()(http_response response, std::function<void(bool written)> done) const;

  /// Answers with what `compose` returns. It runs on a thread of the server: an actor need not spend its time on writing
  /// JSON. An exception in it becomes 500. It never runs if nobody is left to read the answer.
  void later(std::function<http_response()> compose, std::function<void(bool written)> done = nullptr) const;

  /// `left` runs once, on a thread of the server, if the client goes away before the answer; at once if it already has.
  /// It must not block. Only the last hook set is kept.
  void on_disconnect(std::function<void()> left) const;

private:
  struct last_owner;
  std::shared_ptr<last_owner> owner_;
};

} // namespace geartrain
