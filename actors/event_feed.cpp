#include "actors/event_feed.hpp"

namespace geartrain {

std::uint64_t event_feed::listen(listener fn) {
  std::lock_guard lock{mutex_};
  listeners_.emplace(next_id_, std::move(fn));
  return next_id_++;
}

void event_feed::stop_listening(std::uint64_t id) {
  std::lock_guard lock{mutex_};
  listeners_.erase(id);
}

void event_feed::publish(const std::string& namespace_name, const std::vector<domain_event>& events) {
  std::lock_guard lock{mutex_};
  for (auto& event : events) {
    if (event.delivery == delivery_mode::durable)
      continue;
    published_.fetch_add(1, std::memory_order_relaxed);
    for (auto& [id, tell] : listeners_)
      tell(namespace_name, event);
  }
}

} // namespace geartrain
