#pragma once

#include "runtime/bench/end_watch.hpp"
#include "runtime/bench/task_creator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace geartrain::bench {

/// Keeps so many tasks of one kind open, by creating new ones as others end. Not thread-safe.
class closed_loop {
public:
  /// `most_in_a_call`: as of a task_creator.
  closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
              std::size_t window, std::size_t most_in_a_call);

  /// Creates nothing more.
  void stop() { window_ = 0; }

  /// Everything that was created has ended, and nothing is being created.
  bool is_empty() const { return creator_.under_way() == 0 && creator_.created() == watch_.ended(); }

  std::uint64_t refused() const { return creator_.refused(); }

  /// Why it can't go on.
  const std::optional<failure>& broken() const { return watch_.broken() ? watch_.broken() : creator_.broken(); }

private:
  void look();
  void refill();

  std::size_t window_;
  std::uint64_t refused_before_ = 0; ///< at the last look
  task_creator creator_;
  end_watch watch_;
};

} // namespace geartrain::bench
