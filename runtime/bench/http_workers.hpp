#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/http_link.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace geartrain::bench {

/// Workers over HTTP, cheap enough not to be what is measured: each has one connection on which it takes steps, answers
/// them with the same constant texts as any other handler of the benchmark, and sends the results with the next poll.
/// Not thread-safe.
class http_workers {
public:
  /// Begins at once. `max_steps`: how many steps one takes at a time.
  http_workers(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::size_t count, std::size_t max_steps);

  /// Why one of them can't go on.
  const std::optional<failure>& broken() const { return broken_; }

private:
  struct worker {
    worker(event_loop& loop, const boost::asio::ip::tcp::endpoint& node) : link(loop, node), again(loop) {}
    http_link link;
    alarm_clock again;
    std::string id;
    std::string results; ///< not settled yet: items with commas between them
  };

  void poll(worker& one);
  void note(worker& one, const expected<http_reply>& reply);
  expected<bool> take(worker& one, std::string_view body);

  std::size_t max_steps_;
  std::deque<worker> workers_;
  std::optional<failure> broken_;
};

} // namespace geartrain::bench
