#pragma once

#include "messages/worker.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace geartrain {

/// Steps that wait for a worker, in lanes by namespace and handler. Not thread-safe.
///
/// Order: by priority with ageing, then first ready first. Each point of priority is worth `priority_worth` of waiting,
/// so the order of two steps never changes while they wait, and no step waits for ever.
class ready_queue {
public:
  static constexpr milliseconds priority_worth{10000};

  /// Adds a step; false if it is there already. If it is there for an earlier attempt, or without the last checkpoint, it
  /// takes that one's place.
  bool push(ready_step_ptr step);

  /// Takes a step out wherever it stands; null if it is not there.
  ready_step_ptr remove(const step_id& id);

  /// Takes out every step for which `matches` is true.
  std::vector<ready_step_ptr> take_if(const std::function<bool(const ready_step&)>& matches);

  bool contains(const step_id& id) const { return places_.contains(id); }

  /// The first step that a worker of these namespaces and handlers (absent: any) may run; null if there is none.
  ready_step_ptr take(const std::vector<std::string>& namespaces,
                      const std::optional<std::vector<std::string>>& handlers);

  /// What take() would give.
  const ready_step* first(const std::vector<std::string>& namespaces,
                          const std::optional<std::vector<std::string>>& handlers);

  /// The first step of each lane.
  std::vector<ready_step_ptr> firsts() const;

  std::size_t size() const { return places_.size(); }

private:
  struct position {
    std::int64_t due_us = 0; // the time of readiness less the worth of the priority
    std::uint64_t sequence = 0;
    step_id id;

    friend auto operator<=>(const position&, const position&) = default;
  };
  using lane = std::map<position, ready_step_ptr>;
  using lanes = std::map<std::string, lane>; // by handler callable
  struct place {
    lane* in = nullptr; // lanes are never removed: there are as many as handlers in the templates
    position at;
  };

  lane* best_lane(const std::vector<std::string>& namespaces, const std::optional<std::vector<std::string>>& handlers);

  std::map<std::string, lanes> namespaces_;
  std::unordered_map<step_id, place> places_;
  std::uint64_t next_sequence_ = 0;
};

} // namespace geartrain
