#include "actors/cluster_impl.hpp"

#include <atomic>
#include <memory>

// Partitions that this node gets, and those that it brings to rest.

namespace geartrain {

namespace {

std::vector<std::uint16_t> list_of(const partition_set& partitions) {
  std::vector<std::uint16_t> all;
  for (std::uint16_t p = 0; p < partition_count; ++p)
    if (partitions.test(p))
      all.push_back(p);
  return all;
}

/// A completion that, called `count` times in whatever way, runs `then` once.
void when_all(std::size_t count, std::vector<completion<std::uint32_t>>& parts,
              std::function<void(std::uint32_t)> then) {
  struct state {
    std::atomic<std::size_t> open;
    std::atomic<std::uint32_t> sum{0};
    std::function<void(std::uint32_t)> then;
  };
  auto shared = std::make_shared<state>();
  shared->open = count;
  shared->then = std::move(then);
  for (std::size_t i = 0; i < count; ++i)
    parts.push_back(completion<std::uint32_t>{[shared](expected<std::uint32_t> answer) {
      if (answer)
        shared->sum.fetch_add(*answer);
      if (shared->open.fetch_sub(1) == 1)
        shared->then(shared->sum.load());
    }});
}

} // namespace

void cluster::follow_plan(const placement_plan& plan) {
  partition_set owned;
  for (std::uint16_t p = 0; p < partition_count; ++p)
    owned.set(p, view_.partitions[p].owner == self_.id);
  auto taken = serving_ & ~owned;
  gain(plan.keep & ~serving_ & ~losing_);
  begin_losing((plan.leave & serving_) | taken);
}

void cluster::gain(const partition_set& gained) {
  if (gained.none())
    return;
  auto partitions = list_of(gained);
  serving_ |= gained;
  for (auto p : partitions)
    map().serve(p, true);
  map().metrics().partitions_gained.fetch_add(partitions.size(), std::memory_order_relaxed);
  if (!joined_)
    return; // the first ones are read all at once
  spdlog::info("cluster: {} partitions came, {} are served now", partitions.size(), serving_.count());
  for (std::size_t shard = 0; shard < engine_->actors->shards(); ++shard)
    send(engine_->actors->processor(shard), gain_partitions{partitions});
}

void cluster::begin_losing(const partition_set& lost) {
  auto begun = lost & ~losing_;
  if (begun.none())
    return;
  auto partitions = list_of(begun);
  serving_ &= ~begun;
  losing_ |= begun;
  for (auto p : partitions)
    map().serve(p, false);
  map().metrics().partitions_lost.fetch_add(partitions.size(), std::memory_order_relaxed);
  spdlog::info("cluster: {} partitions go, {} are served now", partitions.size(), serving_.count());
  auto self = caf::actor_cast<cluster_interface>(this);
  completion<std::uint32_t> ended{
    [self, partitions](const expected<std::uint32_t>&) { caf::anon_send(self, dispatch_ended{partitions}); }};
  send(engine_->actors->dispatcher(), lose_partitions{partitions, std::move(ended)});
}

void cluster::dispatch_over(const dispatch_ended& message) {
  auto self = caf::actor_cast<cluster_interface>(this);
  std::vector<completion<std::uint32_t>> parts;
  when_all(engine_->actors->shards(), parts, [self, partitions = message.partitions](std::uint32_t) {
    caf::anon_send(self, partitions_rested{partitions});
  });
  for (std::size_t shard = 0; shard < parts.size(); ++shard)
    send(engine_->actors->processor(shard), lose_partitions{message.partitions, std::move(parts[shard])});
}

void cluster::rested(const partitions_rested& message) {
  for (auto p : message.partitions)
    losing_.reset(p);
  beat();
}

void cluster::tell_touched(const std::vector<task_id>& ids) {
  std::map<std::size_t, reread_tasks> by_shard;
  for (auto& id : ids)
    by_shard[engine_->actors->shard_of(id)].ids.push_back(id);
  for (auto& [shard, message] : by_shard)
    send(engine_->actors->processor(shard), std::move(message));
}

/// The first time that nothing is to be claimed any more: the open tasks of all partitions are read.
void cluster::finish_joining() {
  if (joined_) {
    for (auto& waiter : std::exchange(joining_, {}))
      waiter(std::uint32_t{0});
    return;
  }
  joined_ = true;
  std::vector<completion<std::uint32_t>> parts;
  when_all(engine_->actors->shards(), parts, [waiters = std::exchange(joining_, {})](std::uint32_t resident) {
    for (auto& waiter : waiters)
      waiter(resident);
  });
  for (std::size_t shard = 0; shard < parts.size(); ++shard)
    send(engine_->actors->processor(shard), recover_request{std::move(parts[shard])});
}

void cluster::finish_leaving() {
  auto owned = std::any_of(view_.partitions.begin(), view_.partitions.end(),
                           [this](const partition_lease& lease) { return lease.owner == self_.id; });
  auto nobody = is_alone(); // nobody is there to take them; they are free once this node has left
  if (owned && !nobody)
    return;
  for (auto& waiter : std::exchange(leaving_, {}))
    waiter(std::uint32_t{0});
}

} // namespace geartrain
