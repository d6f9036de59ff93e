#pragma once

#include "runtime/bench/end_watch.hpp"
#include "runtime/bench/task_creator.hpp"
#include "runtime/bench/timed_task.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace geartrain::bench {

/// Keeps so many tasks of one kind open, by creating new ones as others end. Not thread-safe.
class closed_loop {
public:
  /// `most_in_a_call`: as of a task_creator. `timed`: so many of the open tasks are timed, each created by itself.
  closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
              std::size_t window, std::size_t most_in_a_call, std::size_t timed = 0);

  /// Creates nothing more.
  void stop() { window_ = 0; }

  /// Everything that was created has ended, and nothing is being created.
  bool is_empty() const;

  std::uint64_t refused() const { return creator_.refused(); }

  /// Milliseconds of the timed tasks that have ended.
  const std::vector<double>& times_ms() const { return times_ms_; }

  /// Why it can't go on.
  const std::optional<failure>& broken() const;

private:
  void look();
  void refill();
  void time(timed_task& lane);

  std::string body_;
  std::size_t window_;
  std::deque<timed_task> lanes_;
  std::uint64_t timed_under_way_ = 0;
  std::uint64_t timed_ended_ = 0;
  std::vector<double> times_ms_;
  std::optional<failure> broken_;
  std::uint64_t refused_before_ = 0; ///< at the last look
  task_creator creator_;
  end_watch watch_;
};

} // namespace geartrain::bench
