#include "actors/cluster_map.hpp"

#include <algorithm>
#include <mutex>

namespace geartrain {

cluster_map::cluster_map(std::function<clock::time_point()> now) : now_(std::move(now)) {
  for (auto& one : served_)
    one.store(true, std::memory_order_relaxed);
}

peer_actor cluster_map::owner_of(const task_id& task) const {
  auto partition = partition_of(task_of(task));
  if (serves_partition(partition) || !has_peers())
    return {};
  std::shared_lock guard{mutex_};
  auto found = links_.find(owners_[partition].owner);
  return found == links_.end() ? peer_actor{} : found->second;
}

std::vector<peer_actor> cluster_map::peers() const {
  std::vector<peer_actor> all;
  if (!has_peers())
    return all;
  std::shared_lock guard{mutex_};
  for (auto& [id, link] : links_)
    all.push_back(link);
  return all;
}

void cluster_map::begin_cluster(const node_id& self) {
  std::unique_lock guard{mutex_};
  self_ = self;
  for (auto& one : served_)
    one.store(false, std::memory_order_relaxed);
  certain_until({});
}

void cluster_map::set_owners(const partition_table& partitions) {
  std::unique_lock guard{mutex_};
  owners_ = partitions;
}

void cluster_map::link_up(const node_id& peer, peer_actor link) {
  std::unique_lock guard{mutex_};
  links_[peer] = std::move(link);
  has_peers_ = true;
}

void cluster_map::link_down(const node_id& peer, const caf::actor_addr& link) {
  std::unique_lock guard{mutex_};
  if (auto found = links_.find(peer); found != links_.end() && found->second.address() == link)
    links_.erase(found);
  has_peers_ = !links_.empty();
}

std::optional<node_id> cluster_map::self() const {
  std::shared_lock guard{mutex_};
  return self_;
}

bool cluster_map::is_linked(const node_id& peer) const {
  std::shared_lock guard{mutex_};
  return links_.contains(peer);
}

std::uint32_t cluster_map::partitions_served() const {
  return static_cast<std::uint32_t>(
    std::count_if(served_.begin(), served_.end(), [](auto& one) { return one.load(std::memory_order_relaxed); }));
}

void cluster_map::clear() {
  std::unique_lock guard{mutex_};
  links_.clear();
  has_peers_ = false;
}

} // namespace geartrain
