#include "runtime/http/http_metrics.hpp"

namespace geartrain {

void route_metrics::observe(unsigned status, std::chrono::nanoseconds spent) {
  auto status_class = status / 100;
  if (status_class >= 1 && status_class <= by_class.size())
    by_class[status_class - 1].fetch_add(1, std::memory_order_relaxed);
  std::size_t i = 0;
  while (i < bounds_us.size() && spent.count() > bounds_us[i] * 1000)
    ++i;
  buckets[i].fetch_add(1, std::memory_order_relaxed);
  spent_ns.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
}

http_metrics::http_metrics() : unmatched_(&add("ANY", "unmatched")) {}

route_metrics& http_metrics::add(std::string method, std::string pattern) {
  std::lock_guard guard{mutex_};
  return *entries_.emplace_back(std::make_unique<route_metrics>(std::move(method), std::move(pattern)));
}

std::vector<const route_metrics*> http_metrics::entries() const {
  std::lock_guard guard{mutex_};
  std::vector<const route_metrics*> all;
  for (const auto& entry : entries_)
    all.push_back(entry.get());
  return all;
}

} // namespace geartrain
