#include "db/batcher.hpp"

#include <algorithm>

namespace geartrain {

batcher::batcher(limits bounds, db_metrics& metrics) : bounds_(bounds), metrics_(metrics) {
  auto make = [&]<class Op>(std::unique_ptr<operation_queue<Op>>& slot) {
    slot = std::make_unique<operation_queue<Op>>(bounds_.batch, totals_, metrics_);
    lines_[static_cast<std::size_t>(Op::id)] = slot.get();
  };
  std::apply([&](auto&... slots) { (make(slots), ...); }, queues_);
  connect<db_op::create_tasks>();
  connect<db_op::find_holders>();
  connect<db_op::list_tasks>();
}

bool batcher::idle() const {
  return std::all_of(lines_.begin(), lines_.end(), [](auto* line) { return line->idle(); });
}

void batcher::expire(db_clock::time_point now) {
  for (auto* line : lines_)
    line->expire(now);
}

std::optional<db_clock::time_point> batcher::next_deadline() const {
  std::optional<db_clock::time_point> first;
  for (auto* line : lines_) {
    auto next = line->next_deadline();
    if (next && (!first || *next < *first))
      first = next;
  }
  return first;
}

std::optional<db_clock::time_point> batcher::next_take(db_clock::time_point now) const {
  auto busy_until = totals_.in_flight.busy_until(now);
  if (!busy_until)
    return std::nullopt;
  std::optional<db_clock::time_point> first;
  for (auto* line : lines_)
    if (auto held = line->held_until())
      first = std::min(first.value_or(*busy_until), *held > now ? *held : *busy_until);
  return first;
}

void batcher::abandon(const failure& why) {
  for (auto* line : lines_)
    line->abandon(why);
}

} // namespace geartrain
