#include "runtime/bench/open_loop.hpp"

#include <algorithm>
#include <cmath>

namespace geartrain::bench {

namespace {

constexpr std::size_t connections_for_single_tasks = 64;

/// Timing costs the node a creation of its own and a read; so many a second are enough for percentiles and disturb little.
constexpr double timed_per_second = 100;

} // namespace

open_loop::open_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                     double tasks_per_second, std::size_t most_in_a_call, std::size_t calls)
  : loop_(loop),
    node_(node),
    body_(std::move(creation_body)),
    rate_(tasks_per_second),
    time_each_(static_cast<std::uint64_t>(std::max(1.0, std::ceil(rate_ / timed_per_second)))),
    next_(loop),
    creator_(loop, node, body_, most_in_a_call, most_in_a_call > 1 ? calls : connections_for_single_tasks,
             [this] { create_waiting(); }),
    watch_(loop, node, [this] {
      if (watch_.has_begun() && arrivals_ == 0)
        arrive();
    }) {}

bool open_loop::is_empty() const {
  auto all_begun = timed_under_way_ == 0 && creator_.under_way() == 0 && waiting_ == 0;
  return all_begun && creator_.created() + timed_ended_ == watch_.ended();
}

const std::optional<failure>& open_loop::broken() const {
  if (watch_.broken())
    return watch_.broken();
  return creator_.broken() ? creator_.broken() : broken_;
}

/// A timer is late now and then: everything that has become due arrives.
void open_loop::arrive() {
  std::exponential_distribution<double> gap{rate_};
  auto now = steady::now();
  if (arrivals_ == 0)
    next_due_ = now;
  while (!stopped_ && !broken() && next_due_ <= now) {
    if (arrivals_++ % time_each_ == 0)
      time(next_due_);
    else
      ++waiting_;
    next_due_ += std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(gap(random_)));
  }
  create_waiting();
  if (!stopped_ && !broken())
    next_.set(next_due_, [this] { arrive(); });
}

void open_loop::create_waiting() {
  while (auto begun = creator_.create(waiting_))
    waiting_ -= begun;
}

void open_loop::time(steady::time_point due) {
  if (free_timed_.empty()) {
    free_timed_.push_back(timed_lanes_.size());
    timed_lanes_.emplace_back(loop_, node_);
  }
  auto lane = free_timed_.back();
  free_timed_.pop_back();
  ++timed_under_way_;
  timed_lanes_[lane].run(body_, due, [this, lane, due](const expected<std::optional<double>>& taken_ms) {
    --timed_under_way_;
    free_timed_.push_back(lane);
    if (!taken_ms) {
      broken_ = taken_ms.error();
    } else if (*taken_ms) {
      ++timed_ended_;
      times_ms_.push_back(**taken_ms);
    } else {
      refusals_ms_.push_back(std::chrono::duration<double, std::milli>(steady::now() - due).count());
    }
  });
}

} // namespace geartrain::bench
