#include "runtime/bench/closed_loop.hpp"

#include <algorithm>

namespace geartrain::bench {

namespace {

constexpr std::size_t connections_for_single_tasks = 64;

/// Full calls on all of them stay below what a node takes on at a time.
constexpr std::size_t connections_for_many_tasks = 16;

} // namespace

closed_loop::closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                         std::size_t window, std::size_t most_in_a_call, std::size_t timed)
  : body_(std::move(creation_body)),
    window_(window),
    creator_(loop, node, body_, most_in_a_call,
             most_in_a_call > 1 ? connections_for_many_tasks : connections_for_single_tasks, [this] { refill(); }),
    watch_(loop, node, [this] { look(); }) {
  for (std::size_t i = 0; i < timed; ++i)
    lanes_.emplace_back(loop, node);
}

bool closed_loop::is_empty() const {
  auto all_begun = timed_under_way_ == 0 && creator_.under_way() == 0;
  return all_begun && creator_.created() + timed_ended_ == watch_.ended();
}

const std::optional<failure>& closed_loop::broken() const {
  if (watch_.broken())
    return watch_.broken();
  return creator_.broken() ? creator_.broken() : broken_;
}

void closed_loop::look() {
  if (watch_.has_begun() && timed_under_way_ + timed_ended_ == 0)
    for (auto& lane : lanes_)
      time(lane);
  refused_before_ = creator_.refused();
  refill();
}

/// One task after the other.
void closed_loop::time(timed_task& lane) {
  ++timed_under_way_;
  lane.run(body_, steady::now(), [this, &lane](const expected<std::optional<double>>& taken_ms) {
    --timed_under_way_;
    if (!taken_ms) {
      broken_ = taken_ms.error();
    } else if (*taken_ms) {
      ++timed_ended_;
      times_ms_.push_back(**taken_ms);
    }
    if (window_ > 0 && !broken())
      time(lane);
  });
}

/// Who was refused waits for the next look.
void closed_loop::refill() {
  while (watch_.has_begun() && creator_.refused() == refused_before_) {
    auto begun = creator_.created() + creator_.under_way() + timed_ended_ + timed_under_way_;
    auto open = begun - std::min(begun, watch_.ended());
    if (open >= window_ || creator_.create(window_ - open) == 0)
      return;
  }
}

} // namespace geartrain::bench
