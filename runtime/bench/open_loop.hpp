#pragma once

#include "runtime/bench/end_watch.hpp"
#include "runtime/bench/task_creator.hpp"
#include "runtime/bench/timed_task.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace geartrain::bench {

/// Creates tasks at a given rate, at random moments as independent users would, whether earlier ones have ended or not;
/// and times some of them from the moment at which they were due. Not thread-safe.
class open_loop {
public:
  /// `most_in_a_call`: as of a task_creator; those that are timed are created each by itself. `calls`: how many that create
  /// more than one task may be under way. While they are, what arrives gathers for the next call: with one there are few
  /// commits, as at saturation, and with many nothing waits outside of the node.
  open_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
            double tasks_per_second, std::size_t most_in_a_call, std::size_t calls = 1);

  /// Creates nothing more.
  void stop() { stopped_ = true; }

  /// Everything that was created has ended.
  bool is_empty() const;

  /// Milliseconds of the timed tasks that have ended.
  const std::vector<double>& times_ms() const { return times_ms_; }

  /// Tasks that were created, those that are timed once they have ended; and those that were answered 503.
  std::uint64_t accepted() const { return creator_.created() + timed_ended_; }
  std::uint64_t refused() const { return creator_.refused() + refusals_ms_.size(); }

  /// Milliseconds until tasks that were to be timed were refused.
  const std::vector<double>& refusals_ms() const { return refusals_ms_; }

  /// Why it can't go on.
  const std::optional<failure>& broken() const;

private:
  void arrive();
  void create_waiting();
  void time(steady::time_point due);

  event_loop& loop_;
  boost::asio::ip::tcp::endpoint node_;
  std::string body_;
  double rate_;
  std::uint64_t time_each_; ///< one of so many tasks is timed
  std::mt19937_64 random_{1};
  std::deque<timed_task> timed_lanes_; ///< as many as it takes: a task that waits for one would look slow
  std::vector<std::size_t> free_timed_;
  std::size_t waiting_ = 0; ///< due, not timed, and without a connection
  std::uint64_t arrivals_ = 0;
  std::size_t timed_under_way_ = 0;
  std::uint64_t timed_ended_ = 0;
  steady::time_point next_due_ = steady::now();
  alarm_clock next_;
  bool stopped_ = false;
  std::vector<double> times_ms_;
  std::vector<double> refusals_ms_;
  std::optional<failure> broken_;
  task_creator creator_;
  end_watch watch_;
};

} // namespace geartrain::bench
