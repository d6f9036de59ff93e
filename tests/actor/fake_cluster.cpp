#include "tests/actor/fake_cluster.hpp"

#include <algorithm>

namespace geartrain::sim {

bool fake_cluster::is_alive(const node_id& id) const {
  auto found = members.find(id);
  return found != members.end() && found->second.expires_at > now();
}

bool fake_cluster::may_move(const beat_unit& unit, const partition_lease& lease) const {
  return lease.owner.is_nil() || lease.owner == unit.self.id ||
         std::find(unit.ended.begin(), unit.ended.end(), lease.owner) != unit.ended.end() || !is_alive(lease.owner);
}

beat_reply fake_cluster::beat(const beat_unit& unit) {
  ++beats;
  // Who may be robbed is told by the rows as they were before the statement.
  auto before = partitions;
  for (auto& move : unit.moves) {
    auto& lease = partitions[move.partition];
    if (lease.term == move.term && may_move(unit, before[move.partition]))
      lease = {move.to, lease.term + 1};
    else
      ++moves_lost;
  }
  auto& own = members[unit.self.id];
  own.told = unit.self;
  own.beat_at = now();
  own.expires_at = now() + unit.valid_for;
  for (auto& id : unit.ended)
    if (id != unit.self.id)
      members.erase(id);
  beat_reply reply;
  reply.view = view();
  reply.drain_asked = own.drain_asked;
  std::erase_if(touched, [&](const task_id& id) {
    auto is_own = partitions[partition_of(id)].owner == unit.self.id;
    if (is_own)
      reply.touched.push_back(id);
    return is_own;
  });
  return reply;
}

unit_done fake_cluster::leave(const node_id& id) {
  members.erase(id);
  for (auto& lease : partitions)
    if (lease.owner == id)
      lease = {{}, lease.term + 1};
  return {1};
}

unit_done fake_cluster::touch(const touch_tasks_unit& unit) {
  touched.insert(unit.ids.begin(), unit.ids.end());
  return {static_cast<std::uint32_t>(unit.ids.size())};
}

unit_done fake_cluster::ask_drain(const ask_drain_unit& unit) {
  unit_done done;
  for (auto& [id, one] : members)
    if ((one.told.name == unit.name || to_string(id) == unit.name) && is_alive(id)) {
      one.drain_asked = unit.drain;
      ++done.rows;
    }
  return done;
}

cluster_view fake_cluster::view() const {
  cluster_view seen;
  for (auto& [id, stored] : members) {
    seen.members.push_back(stored.told);
    auto& one = seen.members.back();
    one.alive = is_alive(id);
    one.silent_for = std::chrono::duration_cast<milliseconds>(now() - stored.beat_at);
  }
  seen.partitions = partitions;
  return seen;
}

void fake_cluster::add(member one, milliseconds valid_for) {
  auto id = one.id;
  members[id] = {std::move(one), now() + valid_for, now(), false};
}

void fake_cluster::own(const node_id& owner) {
  for (auto& lease : partitions)
    lease = {owner, lease.term + 1};
}

std::size_t fake_cluster::owned_by(const node_id& owner) const {
  return static_cast<std::size_t>(std::count_if(partitions.begin(), partitions.end(),
                                                [&](const partition_lease& lease) { return lease.owner == owner; }));
}

} // namespace geartrain::sim
