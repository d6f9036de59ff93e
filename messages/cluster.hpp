#pragma once

#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

// Who the nodes of a cluster are and which of them owns which partition, and the unit of work by which a node takes part.

namespace geartrain {

/// Names one life of a node: a new one at each start.
using node_id = uuid;

/// Nodes with different versions do not talk to each other; they meet in the database only. Raise it with every change
/// of a message that travels between nodes.
inline constexpr std::uint32_t wire_version = 2;

/// Names a process for others on the same machine, who can see for themselves whether it still lives.
struct host_process {
  std::string host; ///< machine, its start, and the namespace of process ids; empty: unknown
  std::int64_t pid = 0;
  std::int64_t started = 0; ///< when the process began, in clock ticks of that machine

  friend bool operator==(const host_process&, const host_process&) = default;
};

/// One node as its row in `nodes` shows it.
struct member {
  node_id id;
  std::string name;    ///< for people
  std::string address; ///< where other nodes reach it, ADDRESS:PORT
  std::string url;     ///< where it serves HTTP
  std::uint32_t wire = wire_version;
  bool draining = false; ///< gives its partitions away and gets no new ones
  host_process process;
  timestamp joined_at;
  bool alive = true;          ///< beat in time, by the clock of the database
  milliseconds silent_for{0}; ///< since its last beat, by the clock of the database
};

/// Who owns a partition. Each change of the owner is a compare-and-swap on the term.
struct partition_lease {
  node_id owner; ///< nil: nobody
  std::int64_t term = 0;

  friend bool operator==(const partition_lease&, const partition_lease&) = default;
};

using partition_table = std::array<partition_lease, partition_count>;

/// What a node knows of its cluster since its last beat.
struct cluster_view {
  std::vector<member> members; ///< alive or not, itself included, by id
  partition_table partitions{};
};

/// A partition that is to change hands.
struct partition_move {
  std::uint16_t partition = 0;
  std::int64_t term = 0; ///< as last seen; another one by now: nothing happens
  node_id to;
};

/// One beat of a node: renews its membership, makes the moves, and reads what the others did, in one statement. A
/// partition is taken only from the beating node itself, from nobody, or from a node that is not alive or among `ended`.
struct beat_unit {
  member self;
  milliseconds valid_for{0}; ///< how long the node counts as alive without another beat
  std::vector<partition_move> moves;
  std::vector<node_id> ended; ///< nodes whose process is known to be gone; they leave with this beat
};

struct beat_reply {
  cluster_view view;            ///< with the moves of this beat
  bool drain_asked = false;     ///< somebody asked this node to give its partitions away
  std::vector<task_id> touched; ///< tasks of own partitions that another node made turns of, or made; each is told once
};

/// A node leaves: it is no member any more and owns nothing.
struct leave_unit {
  node_id id;
};

/// A node made turns of tasks that it does not own, or tasks that it may not own: the owner, whoever that is, must read them again.
struct touch_tasks_unit {
  std::vector<task_id> ids;
};

/// Asks a node to give its partitions away, or takes that back. Answered with the number of nodes it concerned.
struct ask_drain_unit {
  std::string name; ///< name or id of the node
  bool drain = true;
};

/// The members and the partitions as they stand, changing nothing.
struct read_cluster_unit {};

} // namespace geartrain
