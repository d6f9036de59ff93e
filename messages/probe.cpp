#include "messages/probe.hpp"

#include <algorithm>

namespace geartrain {

namespace {

void add_to(actor_figures& sum, const actor_probe& probe) {
  sum.enqueued += probe.enqueued.load(std::memory_order_relaxed);
  sum.handled += probe.handled.load(std::memory_order_relaxed);
  sum.busy_ns += probe.busy_ns.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < sum.buckets.size(); ++i)
    sum.buckets[i] += probe.buckets[i].load(std::memory_order_relaxed);
}

actor_figures& of_type(std::vector<actor_figures>& all, const std::string& type) {
  auto found = std::find_if(all.begin(), all.end(), [&](const actor_figures& f) { return f.type == type; });
  if (found != all.end())
    return *found;
  all.emplace_back();
  all.back().type = type;
  return all.back();
}

} // namespace

void actor_probe::observe(std::chrono::nanoseconds spent) {
  std::size_t i = 0;
  while (i < bounds_us.size() && spent.count() > bounds_us[i] * 1000)
    ++i;
  buckets[i].fetch_add(1, std::memory_order_relaxed);
  handled.fetch_add(1, std::memory_order_relaxed);
  busy_ns.fetch_add(static_cast<std::uint64_t>(spent.count()), std::memory_order_relaxed);
}

probe_set& probe_set::instance() {
  static auto* set = new probe_set;
  return *set;
}

std::shared_ptr<actor_probe> probe_set::add(std::string actor_type) {
  auto probe = std::shared_ptr<actor_probe>(new actor_probe(std::move(actor_type)), [this](actor_probe* p) {
    retire(*p);
    delete p;
  });
  std::lock_guard guard{mutex_};
  probes_.push_back(probe);
  return probe;
}

void probe_set::count_restart(const std::string& actor_type) {
  std::lock_guard guard{mutex_};
  ++of_type(retired_, actor_type).restarts;
}

void probe_set::retire(const actor_probe& probe) {
  std::lock_guard guard{mutex_};
  add_to(of_type(retired_, probe.type), probe);
  std::erase_if(probes_, [](const auto& p) { return p.expired(); });
}

std::vector<actor_figures> probe_set::figures() {
  std::vector<std::shared_ptr<actor_probe>> alive; // released after the lock: the last reference retires, which locks
  std::vector<actor_figures> sums;
  {
    std::lock_guard guard{mutex_};
    sums = retired_;
    for (auto& weak : probes_)
      if (auto probe = weak.lock())
        alive.push_back(std::move(probe));
  }
  for (auto& probe : alive) {
    auto& sum = of_type(sums, probe->type);
    ++sum.instances;
    sum.depth += std::max<std::int64_t>(0, probe->depth.load(std::memory_order_relaxed));
    add_to(sum, *probe);
  }
  std::sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.type < b.type; });
  return sums;
}

} // namespace geartrain
