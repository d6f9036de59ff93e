#include "runtime/bench/closed_loop.hpp"

namespace geartrain::bench {

namespace {

constexpr std::size_t connections_for_single_tasks = 64;

/// Full calls on all of them stay below what a node takes on at a time.
constexpr std::size_t connections_for_many_tasks = 16;

} // namespace

closed_loop::closed_loop(event_loop& loop, const boost::asio::ip::tcp::endpoint& node, std::string creation_body,
                         std::size_t window, std::size_t most_in_a_call)
  : window_(window),
    creator_(loop, node, std::move(creation_body), most_in_a_call,
             most_in_a_call > 1 ? connections_for_many_tasks : connections_for_single_tasks, [this] { refill(); }),
    watch_(loop, node, [this] { look(); }) {}

void closed_loop::look() {
  refused_before_ = creator_.refused();
  refill();
}

/// Who was refused waits for the next look.
void closed_loop::refill() {
  while (watch_.has_begun() && creator_.refused() == refused_before_) {
    auto open = creator_.created() + creator_.under_way() - watch_.ended();
    if (open >= window_ || creator_.create(window_ - open) == 0)
      return;
  }
}

} // namespace geartrain::bench
