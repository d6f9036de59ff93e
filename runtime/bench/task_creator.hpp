#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/http_link.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace geartrain::bench {

/// Creates tasks of one kind, over a few kept connections. Not thread-safe.
class task_creator {
public:
  /// `most_in_a_call`: 1 creates each task with POST /v1/tasks; more, up to so many with POST /v1/tasks/bulk. `on_answer`
  /// is called after each call.
  task_creator(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string body,
               std::size_t most_in_a_call, std::size_t connections, std::function<void()> on_answer);

  /// Sends one call for at most `wanted` tasks, if a connection is free; gives how many it asks for.
  std::size_t create(std::size_t wanted);

  std::uint64_t under_way() const { return under_way_; }
  std::uint64_t created() const { return created_; }
  std::uint64_t refused() const { return refused_; } ///< answered 503

  /// Why it can't go on.
  const std::optional<failure>& broken() const { return broken_; }

private:
  void note(std::size_t lane, std::size_t asked, const expected<http_reply>& reply);
  expected<std::uint64_t> created_by(std::size_t asked, const http_reply& reply) const;

  std::string body_;
  std::size_t most_in_a_call_;
  std::function<void()> on_answer_;
  std::vector<http_link> lanes_;
  std::vector<std::size_t> free_;
  std::uint64_t under_way_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t refused_ = 0;
  std::optional<failure> broken_;
};

} // namespace geartrain::bench
