#include "runtime/bench/timed_task.hpp"

#include <fmt/format.h>

#include <utility>

namespace geartrain::bench {

namespace {

constexpr int wait_ms = 10000;
constexpr std::chrono::microseconds pause_between_looks{500};

/// The string behind a key that stands in the head of a task.
std::string_view string_at(std::string_view body, std::string_view key) {
  auto at = body.find(key);
  if (at == std::string_view::npos)
    return {};
  body.remove_prefix(at + key.size());
  return body.substr(0, body.find('"'));
}

} // namespace

void timed_task::run(const std::string& creation_body, steady::time_point begin, handler done) {
  begin_ = begin;
  done_ = std::move(done);
  link_.send("/v1/tasks", creation_body, [this](const expected<http_reply>& reply) { created(reply); });
}

void timed_task::created(const expected<http_reply>& reply) {
  if (!reply)
    return finish(reply.error());
  if (reply->status == 503)
    return finish(std::optional<double>{});
  auto id = string_at(reply->body, R"("task_uuid":")");
  if (reply->status != 201 || id.empty())
    return finish(failure{errc::invalid, fmt::format("a creation was answered {}: {}", reply->status, reply->body)});
  target_ = fmt::format("/v1/tasks/{}?wait_ms={}", id, wait_ms);
  look();
}

void timed_task::look() {
  link_.send(target_, {}, [this](const expected<http_reply>& reply) { looked(reply); });
}

void timed_task::looked(const expected<http_reply>& reply) {
  if (!reply)
    return finish(reply.error());
  auto status = string_at(reply->body, R"("status":")");
  if (reply->status == 200 && status == "complete")
    return finish(std::optional{std::chrono::duration<double, std::milli>(steady::now() - begin_).count()});
  if ((reply->status != 200 && reply->status != 503) || status == "error" || status == "cancelled")
    return finish(failure{errc::invalid, fmt::format("a task ended otherwise: {} {}", reply->status, reply->body)});
  again_.set(steady::now() + pause_between_looks, [this] { look(); });
}

void timed_task::finish(const expected<std::optional<double>>& taken_ms) {
  if (auto done = std::exchange(done_, nullptr))
    done(taken_ms);
}

} // namespace geartrain::bench
