#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/http_link.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace geartrain::bench {

/// Counts the tasks of a node that have ended since it began to watch, by asking for the node's counter every few ms:
/// which costs the node the same whatever it does. Not thread-safe.
class end_watch {
public:
  /// `on_look` is called after each answer.
  end_watch(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::function<void()> on_look);

  bool has_begun() const { return before_.has_value(); }
  std::uint64_t ended() const { return ended_; }

  /// Why it can't count any more.
  const std::optional<failure>& broken() const { return broken_; }

private:
  void look();
  void note(const expected<http_reply>& reply);

  http_link link_;
  alarm_clock next_;
  std::function<void()> on_look_;
  std::optional<std::uint64_t> before_;
  std::uint64_t ended_ = 0;
  std::optional<failure> broken_;
};

} // namespace geartrain::bench
