#include "runtime/bench/closed_loop.hpp"

#include <fmt/format.h>

#include <utility>

namespace geartrain::bench {

namespace {

constexpr std::size_t lane_count = 64;

} // namespace

closed_loop::closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                         std::size_t window)
  : body_(std::move(creation_body)), window_(window), watch_(loop, node, [this] { look(); }) {
  for (std::size_t i = 0; i < lane_count; ++i) {
    lanes_.emplace_back(loop, node);
    free_.push_back(i);
  }
}

void closed_loop::look() {
  free_.insert(free_.end(), resting_.begin(), resting_.end());
  resting_.clear();
  refill();
}

void closed_loop::refill() {
  while (!free_.empty() && watch_.has_begun() && !broken() && created_ + under_way_ < watch_.ended() + window_) {
    auto lane = free_.back();
    free_.pop_back();
    create(lane);
  }
}

void closed_loop::create(std::size_t lane) {
  ++under_way_;
  lanes_[lane].send("/v1/tasks", body_, [this, lane](const expected<http_reply>& reply) { note(lane, reply); });
}

void closed_loop::note(std::size_t lane, const expected<http_reply>& reply) {
  --under_way_;
  if (!reply) {
    broken_ = reply.error();
    return;
  }
  if (reply->status == 503) {
    ++refused_;
    resting_.push_back(lane);
    return;
  }
  if (reply->status != 201) {
    broken_ = failure{errc::invalid, fmt::format("a creation was answered {}: {}", reply->status, reply->body)};
    return;
  }
  ++created_;
  free_.push_back(lane);
  refill();
}

} // namespace geartrain::bench
