#pragma once

#include "messages/requests.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace geartrain {

/// Workers of this node that wait and of whom the peers have not heard, by the time when they shall. Not thread-safe.
class untold_polls {
public:
  using time_point = std::chrono::steady_clock::time_point;

  void add(poll_request poll, time_point due) {
    remove(poll.poll_id);
    due_.emplace(poll.poll_id, due);
    by_due_.emplace(place{due, poll.poll_id}, std::move(poll));
  }

  /// False if it is not among them.
  bool remove(std::uint64_t poll_id) {
    auto found = due_.find(poll_id);
    if (found == due_.end())
      return false;
    by_due_.erase({found->second, poll_id});
    due_.erase(found);
    return true;
  }

  bool contains(std::uint64_t poll_id) const { return due_.contains(poll_id); }

  /// Takes out those whose time has come, no more than so many.
  std::vector<poll_request> take_due(time_point now, std::size_t most) {
    std::vector<poll_request> taken;
    while (!by_due_.empty() && by_due_.begin()->first.first <= now && taken.size() < most) {
      auto first = by_due_.extract(by_due_.begin());
      due_.erase(first.key().second);
      taken.push_back(std::move(first.mapped()));
    }
    return taken;
  }

  std::optional<time_point> next_due() const {
    if (by_due_.empty())
      return std::nullopt;
    return by_due_.begin()->first.first;
  }

  /// Nobody's time is later than this.
  void hurry(time_point latest) {
    while (!by_due_.empty() && by_due_.rbegin()->first.first > latest) {
      auto last = by_due_.extract(std::prev(by_due_.end()));
      last.key().first = latest;
      due_[last.key().second] = latest;
      by_due_.insert(std::move(last));
    }
  }

private:
  using place = std::pair<time_point, std::uint64_t>; // and poll id

  std::map<place, poll_request> by_due_;
  std::unordered_map<std::uint64_t, time_point> due_;
};

} // namespace geartrain
