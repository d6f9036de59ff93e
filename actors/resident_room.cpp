#include "actors/resident_room.hpp"

#include <algorithm>

namespace geartrain {

namespace {

constexpr std::size_t most_of_what_is_free = 4;
constexpr std::size_t worth_a_look = 2; // less than above: some hundreds are fetched at a time, not each alone

} // namespace

void resident_room::enter(std::int64_t of_template) {
  ++taken_;
  ++by_template_[of_template];
}

void resident_room::leave(std::int64_t of_template) {
  --taken_;
  if (auto found = by_template_.find(of_template); --found->second == 0)
    by_template_.erase(found);
}

bool resident_room::fits(std::int64_t of_template, std::size_t limit) const {
  return has_room(of_template, limit, most_of_what_is_free);
}

bool resident_room::is_worth_a_look(std::size_t limit) const {
  return std::any_of(left_out_.begin(), left_out_.end(), [&](auto one) { return has_room(one, limit, worth_a_look); });
}

void resident_room::begin_look() {
  looked_for_.merge(left_out_);
  left_out_.clear();
}

bool resident_room::is_full(std::size_t limit) const {
  return std::none_of(looked_for_.begin(), looked_for_.end(), [&](auto one) { return fits(one, limit); });
}

void resident_room::end_look(bool saw_all) {
  if (!saw_all)
    left_out_.merge(looked_for_);
  looked_for_.clear();
}

bool resident_room::has_room(std::int64_t of_template, std::size_t limit, std::size_t times) const {
  if (taken_ >= limit)
    return false;
  auto found = by_template_.find(of_template);
  return found == by_template_.end() || found->second < times * (limit - taken_);
}

} // namespace geartrain
