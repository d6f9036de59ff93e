#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/http_link.hpp"

#include <functional>
#include <optional>
#include <string>

namespace geartrain::bench {

/// Creates one task at a time on a connection of its own and sees when it has ended: the node answers a GET with wait_ms
/// as soon as that is so. Not thread-safe.
class timed_task {
public:
  /// Milliseconds since `begin`; nothing if the creation was refused (503).
  using handler = std::function<void(const expected<std::optional<double>>& taken_ms)>;

  timed_task(event_loop& loop, const boost::asio::ip::tcp::endpoint& node) : link_(loop, node), again_(loop) {}

  /// `begin`: when the task was due, which may be some time ago. The handler may run the next one.
  void run(const std::string& creation_body, steady::time_point begin, handler done);

private:
  void created(const expected<http_reply>& reply);
  void look();
  void looked(const expected<http_reply>& reply);
  void finish(const expected<std::optional<double>>& taken_ms);

  http_link link_;
  alarm_clock again_;
  steady::time_point begin_;
  std::string target_;
  handler done_;
};

} // namespace geartrain::bench
