#pragma once

#include "messages/cluster.hpp"

#include <bitset>
#include <vector>

// Which node should own which partition, and what a node does about it. Pure functions of what the last beat brought: every
// node with the same view comes to the same placement, so none has to ask another.

namespace geartrain {

using partition_set = std::bitset<partition_count>;

/// Rendezvous hashing: of `nodes` the one with the greatest hash of (node, partition). A node that comes or goes moves only
/// the partitions that it gets or had. Nil without nodes.
node_id place_partition(std::uint16_t partition, const std::vector<node_id>& nodes);

/// The members that may own partitions: alive and not draining.
std::vector<node_id> eligible_nodes(const cluster_view& view);

/// What a node should do about the partitions.
struct placement_plan {
  std::vector<partition_move> moves; ///< for the next beat: partitions to take over, and to give away
  partition_set keep;                ///< owned and to be served
  partition_set leave;               ///< owned, but somebody else's now: to be brought to rest, then given away
};

/// `rested`: owned partitions that are at rest, so that they can be given away. `ended`: members whose process is known to
/// be gone, whatever their row says. A living owner is never robbed: it gives away by itself.
placement_plan plan_partitions(const cluster_view& view, const node_id& self, const partition_set& rested,
                               const std::vector<node_id>& ended);

} // namespace geartrain
