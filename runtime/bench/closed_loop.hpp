#pragma once

#include "runtime/bench/end_watch.hpp"
#include "runtime/bench/http_link.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain::bench {

/// Keeps so many tasks of one kind open, by creating new ones as others end. Not thread-safe.
class closed_loop {
public:
  /// `most_in_a_call`: 1 creates each task with POST /v1/tasks; more, up to so many with POST /v1/tasks/bulk.
  closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
              std::size_t window, std::size_t most_in_a_call);

  /// Creates nothing more.
  void stop() { window_ = 0; }

  /// Everything that was created has ended, and nothing is being created.
  bool is_empty() const { return under_way_ == 0 && created_ == watch_.ended(); }

  std::uint64_t refused() const { return refused_; }

  /// Why it can't go on.
  const std::optional<failure>& broken() const { return watch_.broken() ? watch_.broken() : broken_; }

private:
  struct creation_count {
    std::uint64_t created = 0;
    std::uint64_t refused = 0;
  };

  void look();
  void refill();
  void create(std::size_t lane, std::size_t count);
  void note(std::size_t lane, std::size_t count, const expected<http_reply>& reply);
  expected<creation_count> count_of(std::size_t asked, const http_reply& reply) const;

  std::vector<http_link> lanes_;
  std::vector<std::size_t> free_;
  std::vector<std::size_t> resting_; ///< were refused; free again after the next look
  std::string body_;
  std::size_t window_;
  std::size_t most_in_a_call_;
  std::size_t under_way_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t refused_ = 0;
  std::optional<failure> broken_;
  end_watch watch_;
};

} // namespace geartrain::bench
