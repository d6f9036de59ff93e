#include "runtime/api/cluster_figures.hpp"

namespace geartrain {

std::vector<cluster_figure> cluster_figures(const cluster_map& map) {
  auto& counts = map.metrics();
  auto load = [](const std::atomic<std::uint64_t>& value) { return value.load(std::memory_order_relaxed); };
  return {
    {"beats", "Beats that the database answered", load(counts.beats)},
    {"beats_failed", "Beats that it did not answer", load(counts.beats_failed)},
    {"partitions_gained", "Partitions that came to this node", load(counts.partitions_gained)},
    {"partitions_lost", "Partitions that left it", load(counts.partitions_lost)},
    {"calls_sent", "Calls passed on to the owners of tasks", load(counts.calls_sent)},
    {"calls_answered", "Calls that owners answered in time", load(counts.calls_answered)},
    {"calls_served", "Calls of other nodes", load(counts.calls_served)},
    {"fallbacks", "Calls for tasks of others that were dealt with here", load(counts.fallbacks)},
    {"guest_turns", "Turns of tasks that this node does not own", load(counts.guest_turns)},
    {"steps_offered", "Steps leased to workers that wait at other nodes", load(counts.steps_offered)},
    {"steps_taken", "Steps of other nodes given to workers here", load(counts.steps_taken)},
    {"steps_returned", "Steps of other nodes that no worker here waited for any more", load(counts.steps_returned)},
    {"messages_sent", "Messages to other nodes", load(counts.messages_sent)},
    {"messages_received", "Messages of other nodes", load(counts.messages_received)},
    {"links_lost", "Links that broke", load(counts.links_lost)},
  };
}

} // namespace geartrain
