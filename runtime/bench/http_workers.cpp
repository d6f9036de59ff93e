#include "runtime/bench/http_workers.hpp"

#include "runtime/bench/step_scan.hpp"
#include "runtime/bench/workload.hpp"

#include <fmt/format.h>

namespace geartrain::bench {

namespace {

constexpr int wait_ms = 20000;
constexpr std::chrono::milliseconds pause_when_refused{20};

std::string_view answer_to(std::string_view callable) {
  for (const auto& each : handler_answers())
    if (each.callable == callable)
      return each.result;
  return "null";
}

} // namespace

http_workers::http_workers(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::size_t count,
                           std::size_t max_steps)
  : max_steps_(max_steps) {
  for (std::size_t i = 0; i < count; ++i) {
    auto& one = workers_.emplace_back(loop, node);
    one.id = fmt::format("bench-{}", i + 1);
    poll(one);
  }
}

void http_workers::poll(worker& one) {
  auto body = fmt::format(R"({{"worker_id":"{}","namespaces":["{}"],"max_steps":{},"wait_ms":{},"results":[)", one.id,
                          namespace_name, max_steps_, wait_ms);
  body.append(one.results).append("]}");
  one.link.send("/v1/workers/poll", std::move(body),
                [this, &one](const expected<http_reply>& reply) { note(one, reply); });
}

void http_workers::note(worker& one, const expected<http_reply>& reply) {
  if (!reply) {
    broken_ = reply.error();
    return;
  }
  if (reply->status == 503)
    return one.again.set(steady::now() + pause_when_refused, [this, &one] { poll(one); });
  if (reply->status != 200) {
    broken_ = failure{errc::invalid, fmt::format("a poll was answered {}: {}", reply->status, reply->body)};
    return;
  }
  if (auto taken = take(one, reply->body); !taken) {
    broken_ = taken.error();
    return;
  }
  poll(one);
}

expected<bool> http_workers::take(worker& one, std::string_view body) {
  auto found = scan_poll(body);
  if (!found)
    return found.error();
  if (found->unsettled > 0)
    return failure{errc::conflict, fmt::format("{} results were not accepted", found->unsettled)};
  one.results.clear();
  for (const auto& step : found->steps) {
    if (!one.results.empty())
      one.results += ',';
    one.results.append(R"({"step_uuid":")").append(step.step_uuid);
    one.results.append(R"(","lease_token":")").append(step.lease_token);
    one.results.append(R"(","success":true,"result":)").append(answer_to(step.callable)).append("}");
  }
  return true;
}

} // namespace geartrain::bench
