#include "runtime/bench/closed_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace geartrain::bench {

namespace {

constexpr std::size_t lanes_for_single_tasks = 64;

/// Full calls on all of them stay below what a node takes on at a time.
constexpr std::size_t lanes_for_many_tasks = 16;

} // namespace

closed_loop::closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                         std::size_t window, std::size_t most_in_a_call)
  : body_(std::move(creation_body)),
    window_(window),
    most_in_a_call_(most_in_a_call),
    watch_(loop, node, [this] { look(); }) {
  auto lane_count = most_in_a_call > 1 ? lanes_for_many_tasks : lanes_for_single_tasks;
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
    auto missing = watch_.ended() + window_ - created_ - under_way_;
    auto lane = free_.back();
    free_.pop_back();
    create(lane, std::min<std::size_t>(missing, most_in_a_call_));
  }
}

void closed_loop::create(std::size_t lane, std::size_t count) {
  under_way_ += count;
  auto body = body_;
  if (most_in_a_call_ > 1) {
    body = R"({"tasks":[)" + body_;
    for (std::size_t i = 1; i < count; ++i)
      body.append(",").append(body_);
    body += "]}";
  }
  lanes_[lane].send(most_in_a_call_ > 1 ? "/v1/tasks/bulk" : "/v1/tasks", std::move(body),
                    [this, lane, count](const expected<http_reply>& reply) { note(lane, count, reply); });
}

void closed_loop::note(std::size_t lane, std::size_t count, const expected<http_reply>& reply) {
  under_way_ -= count;
  auto counted = reply ? count_of(count, *reply) : expected<creation_count>{reply.error()};
  if (!counted) {
    broken_ = counted.error();
    return;
  }
  created_ += counted->created;
  refused_ += counted->refused;
  if (counted->refused > 0) {
    resting_.push_back(lane);
    return;
  }
  free_.push_back(lane);
  refill();
}

expected<closed_loop::creation_count> closed_loop::count_of(std::size_t asked, const http_reply& reply) const {
  if (reply.status == 503)
    return creation_count{0, asked};
  if (reply.status == 201)
    return creation_count{1, 0};
  constexpr std::string_view key = "\"created\":"; // stands at the end, behind the answers for each task
  auto at = reply.body.rfind(key);
  std::uint64_t created = 0;
  auto from = at == std::string_view::npos ? nullptr : reply.body.data() + at + key.size();
  if (reply.status != 200 || from == nullptr ||
      std::from_chars(from, reply.body.data() + reply.body.size(), created).ec != std::errc{})
    return failure{errc::invalid, fmt::format("a creation was answered {}: {}", reply.status, reply.body)};
  if (created < asked && reply.body.find(R"({"status":503)") == std::string_view::npos)
    return failure{errc::invalid, fmt::format("a creation was refused: {}", reply.body)};
  return creation_count{created, asked - created};
}

} // namespace geartrain::bench
