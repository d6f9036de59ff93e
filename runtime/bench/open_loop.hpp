#pragma once

#include "runtime/bench/end_watch.hpp"
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
  open_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
            double tasks_per_second);

  /// Creates nothing more.
  void stop() { stopped_ = true; }

  /// Everything that was created has ended.
  bool is_empty() const;

  /// Milliseconds of the timed tasks that have ended.
  const std::vector<double>& times_ms() const { return times_ms_; }

  /// Why it can't go on.
  const std::optional<failure>& broken() const { return watch_.broken() ? watch_.broken() : broken_; }

private:
  void arrive();
  void begin_waiting();
  void create(std::size_t lane);
  void time(std::size_t lane);

  std::string body_;
  double rate_;
  std::uint64_t time_each_; ///< one of so many tasks is timed
  std::mt19937_64 random_{1};
  std::vector<http_link> lanes_;
  std::deque<timed_task> timed_lanes_;
  std::vector<std::size_t> free_;
  std::vector<std::size_t> free_timed_;
  std::size_t waiting_ = 0; ///< due, but without a lane
  std::deque<steady::time_point> timed_waiting_;
  std::uint64_t arrivals_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t created_ = 0; ///< not those that are timed, nor refused
  std::uint64_t created_timed_ = 0;
  steady::time_point next_due_ = steady::now();
  alarm_clock next_;
  bool stopped_ = false;
  std::vector<double> times_ms_;
  std::optional<failure> broken_;
  end_watch watch_;
};

} // namespace geartrain::bench
