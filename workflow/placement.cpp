#include "workflow/placement.hpp"

#include <algorithm>

namespace geartrain {

namespace {

/// FNV-1a over the id and the partition, and the finalizer of MurmurHash3 (Appleby, public domain): FNV alone leaves the
/// last bytes, which are all that differ between partitions, too weak in the high bits.
std::uint64_t weight_of(std::uint16_t partition, const node_id& node) {
  std::uint64_t hash = 14695981039346656037ULL;
  auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 1099511628211ULL; };
  for (auto byte : node.bytes)
    mix(byte);
  mix(static_cast<std::uint8_t>(partition >> 8));
  mix(static_cast<std::uint8_t>(partition));
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return hash ^ (hash >> 33);
}

bool contains(const std::vector<node_id>& ids, const node_id& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool is_alive(const cluster_view& view, const node_id& id) {
  return std::any_of(view.members.begin(), view.members.end(),
                     [&](const member& one) { return one.id == id && one.alive; });
}

} // namespace

node_id place_partition(std::uint16_t partition, const std::vector<node_id>& nodes) {
  node_id best;
  std::uint64_t greatest = 0;
  for (auto& node : nodes) {
    auto weight = weight_of(partition, node);
    if (best.is_nil() || weight > greatest || (weight == greatest && node < best)) {
      best = node;
      greatest = weight;
    }
  }
  return best;
}

std::vector<node_id> eligible_nodes(const cluster_view& view) {
  std::vector<node_id> ids;
  for (auto& one : view.members)
    if (one.alive && !one.draining)
      ids.push_back(one.id);
  return ids;
}

placement_plan plan_partitions(const cluster_view& view, const node_id& self, const partition_set& rested,
                               const std::vector<node_id>& ended) {
  auto eligible = eligible_nodes(view);
  std::erase_if(eligible, [&](const node_id& id) { return contains(ended, id); });
  placement_plan plan;
  for (std::uint16_t p = 0; p < partition_count; ++p) {
    auto& lease = view.partitions[p];
    auto wanted = place_partition(p, eligible);
    if (lease.owner == self) {
      if (wanted == self)
        plan.keep.set(p);
      else if (rested.test(p))
        plan.moves.push_back({p, lease.term, wanted});
      else
        plan.leave.set(p);
    } else if (wanted == self) {
      auto lives = !lease.owner.is_nil() && !contains(ended, lease.owner) && is_alive(view, lease.owner);
      if (!lives)
        plan.moves.push_back({p, lease.term, self});
    }
  }
  return plan;
}

} // namespace geartrain
