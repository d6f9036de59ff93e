#include "runtime/bench/open_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace geartrain::bench {

namespace {

constexpr std::size_t lane_count = 64;

/// Timing costs the node a read; so many a second are enough for percentiles and disturb little.
constexpr double timed_per_second = 200;

} // namespace

open_loop::open_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                     double tasks_per_second)
  : body_(std::move(creation_body)),
    rate_(tasks_per_second),
    time_each_(static_cast<std::uint64_t>(std::max(1.0, std::ceil(rate_ / timed_per_second)))),
    next_(loop),
    watch_(loop, node, [this] {
      if (watch_.has_begun() && arrivals_ == 0)
        arrive();
    }) {
  for (std::size_t i = 0; i < lane_count; ++i) {
    lanes_.emplace_back(loop, node);
    timed_lanes_.emplace_back(loop, node);
    free_.push_back(i);
    free_timed_.push_back(i);
  }
}

bool open_loop::is_empty() const {
  return under_way_ == 0 && waiting_ == 0 && timed_waiting_.empty() && created_ + created_timed_ == watch_.ended();
}

/// A timer is late now and then: everything that has become due arrives.
void open_loop::arrive() {
  std::exponential_distribution<double> gap{rate_};
  auto now = steady::now();
  if (arrivals_ == 0)
    next_due_ = now;
  while (!stopped_ && !broken() && next_due_ <= now) {
    if (arrivals_++ % time_each_ == 0)
      timed_waiting_.push_back(next_due_);
    else
      ++waiting_;
    next_due_ += std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(gap(random_)));
  }
  begin_waiting();
  if (!stopped_ && !broken())
    next_.set(next_due_, [this] { arrive(); });
}

void open_loop::begin_waiting() {
  for (; !timed_waiting_.empty() && !free_timed_.empty(); free_timed_.pop_back())
    time(free_timed_.back());
  for (; waiting_ > 0 && !free_.empty(); free_.pop_back())
    create(free_.back());
}

void open_loop::create(std::size_t lane) {
  --waiting_;
  ++under_way_;
  lanes_[lane].send("/v1/tasks", body_, [this, lane](const expected<http_reply>& reply) {
    --under_way_;
    free_.push_back(lane);
    if (!reply)
      broken_ = reply.error();
    else if (reply->status == 201)
      ++created_;
    else if (reply->status != 503)
      broken_ = failure{errc::invalid, fmt::format("a creation was answered {}: {}", reply->status, reply->body)};
    begin_waiting();
  });
}

void open_loop::time(std::size_t lane) {
  ++under_way_;
  auto due = timed_waiting_.front();
  timed_waiting_.pop_front();
  timed_lanes_[lane].run(body_, due, [this, lane](const expected<std::optional<double>>& taken_ms) {
    --under_way_;
    free_timed_.push_back(lane);
    if (!taken_ms)
      broken_ = taken_ms.error();
    else if (*taken_ms) {
      ++created_timed_;
      times_ms_.push_back(**taken_ms);
    }
    begin_waiting();
  });
}

} // namespace geartrain::bench
