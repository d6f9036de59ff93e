#include "runtime/bench/end_watch.hpp"

#include "runtime/bench/telemetry.hpp"

namespace geartrain::bench {

namespace {

constexpr std::chrono::milliseconds pause_between_looks{4};

} // namespace

end_watch::end_watch(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::function<void()> on_look)
  : link_(loop, node), next_(loop), on_look_(std::move(on_look)) {
  look();
}

void end_watch::look() {
  link_.send("/v1/telemetry/turns", {}, [this](const expected<http_reply>& reply) { note(reply); });
}

void end_watch::note(const expected<http_reply>& reply) {
  auto count = reply ? ended_tasks_in(reply->body) : expected<std::uint64_t>{reply.error()};
  if (!count) {
    broken_ = count.error();
    return on_look_();
  }
  if (!before_)
    before_ = *count;
  ended_ = *count - *before_;
  next_.set(steady::now() + pause_between_looks, [this] { look(); });
  on_look_();
}

} // namespace geartrain::bench
