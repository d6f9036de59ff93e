#pragma once

#include "messages/cluster.hpp"
#include "messages/storage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>

namespace geartrain::sim {

/// The tables of members and partition leases as the database keeps them, by its own clock: what statements_cluster.cpp
/// does in one statement each, these functions do in one call.
class fake_cluster {
public:
  struct row {
    member told;
    timestamp expires_at;
    timestamp beat_at;
    bool drain_asked = false;
  };

  std::function<timestamp()> now;
  std::map<node_id, row> members;
  partition_table partitions{};
  std::set<task_id> touched;
  std::size_t beats = 0;      ///< done, whether or not anybody heard the answer
  std::size_t moves_lost = 0; ///< whose term was another one, or whose owner lives

  beat_reply beat(const beat_unit& unit);
  unit_done leave(const node_id& id);
  unit_done touch(const touch_tasks_unit& unit);
  unit_done ask_drain(const ask_drain_unit& unit);
  cluster_view view() const;

  // -- what tests set up and look at -------------------------------------------------

  /// A member that beats by itself, as far as anybody can see.
  void add(member one, milliseconds valid_for);
  void own(const node_id& owner);
  std::size_t owned_by(const node_id& owner) const;
  bool is_alive(const node_id& id) const;

private:
  bool may_move(const beat_unit& unit, const partition_lease& lease) const;
};

} // namespace geartrain::sim
