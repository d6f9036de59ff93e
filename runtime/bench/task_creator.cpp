#include "runtime/bench/task_creator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace geartrain::bench {

namespace {

/// The total that stands at the end of a bulk answer, behind the answers for each task.
std::optional<std::uint64_t> total_in(std::string_view body) {
  constexpr std::string_view key = "\"created\":";
  auto at = body.rfind(key);
  std::uint64_t total = 0;
  if (at == std::string_view::npos)
    return std::nullopt;
  body.remove_prefix(at + key.size());
  auto read = std::from_chars(body.data(), body.data() + body.size(), total);
  return read.ec == std::errc{} ? std::optional{total} : std::nullopt;
}

} // namespace

task_creator::task_creator(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string body,
                           std::size_t most_in_a_call, std::size_t connections, std::function<void()> on_answer)
  : body_(std::move(body)), most_in_a_call_(most_in_a_call), on_answer_(std::move(on_answer)) {
  for (std::size_t i = 0; i < connections; ++i) {
    lanes_.emplace_back(loop, node);
    free_.push_back(i);
  }
}

std::size_t task_creator::create(std::size_t wanted) {
  auto count = std::min(wanted, most_in_a_call_);
  if (count == 0 || free_.empty() || broken_)
    return 0;
  auto lane = free_.back();
  free_.pop_back();
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
  return count;
}

void task_creator::note(std::size_t lane, std::size_t asked, const expected<http_reply>& reply) {
  under_way_ -= asked;
  free_.push_back(lane);
  auto counted = reply ? created_by(asked, *reply) : expected<std::uint64_t>{reply.error()};
  if (counted) {
    created_ += *counted;
    refused_ += asked - *counted;
  } else {
    broken_ = counted.error();
  }
  on_answer_();
}

expected<std::uint64_t> task_creator::created_by(std::size_t asked, const http_reply& reply) const {
  if (reply.status == 503)
    return std::uint64_t{0};
  if (reply.status == 201)
    return std::uint64_t{1};
  auto total = reply.status == 200 ? total_in(reply.body) : std::nullopt;
  auto lacking = !total || *total > asked;
  if (lacking || (*total < asked && reply.body.find(R"({"status":503)") == std::string_view::npos))
    return failure{errc::invalid,
                   fmt::format("a creation was answered {}: {}", reply.status, reply.body.substr(0, 500))};
  return *total;
}

} // namespace geartrain::bench
