#include "workflow/placement.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace geartrain {

namespace {

node_id id_of(std::uint8_t n) {
  node_id id;
  id.bytes[0] = n;
  return id;
}

/// Members 1 to `count`, all alive; nobody owns anything.
cluster_view view_of(std::uint8_t count) {
  cluster_view view;
  for (std::uint8_t n = 1; n <= count; ++n) {
    member one;
    one.id = id_of(n);
    view.members.push_back(one);
  }
  return view;
}

/// Lets each member do what its plan asks for, until nobody has anything left to do. A partition rests at once.
void settle(cluster_view& view, const std::vector<node_id>& ended = {}) {
  for (int round = 0; round < 8; ++round)
    for (auto& one : view.members) {
      if (!one.alive || std::find(ended.begin(), ended.end(), one.id) != ended.end())
        continue;
      auto leaving = plan_partitions(view, one.id, {}, ended).leave;
      for (auto& move : plan_partitions(view, one.id, leaving, ended).moves) {
        auto& lease = view.partitions[move.partition];
        REQUIRE(lease.term == move.term);
        lease = {move.to, move.term + 1};
      }
    }
}

std::map<node_id, int> owned(const cluster_view& view) {
  std::map<node_id, int> counts;
  for (auto& lease : view.partitions)
    ++counts[lease.owner];
  return counts;
}

} // namespace

TEST_CASE("placement: partitions are shared out evenly, and the same everywhere") {
  auto view = view_of(4);
  settle(view);
  for (auto& [node, count] : owned(view)) {
    CHECK_FALSE(node.is_nil());
    CHECK(count > 40);
    CHECK(count < 90);
  }
  for (auto& one : view.members) {
    auto plan = plan_partitions(view, one.id, {}, {});
    CHECK(plan.moves.empty());
    CHECK(plan.leave.none());
    CHECK(plan.keep.count() == static_cast<std::size_t>(owned(view)[one.id]));
  }
}

TEST_CASE("placement: who joins gets its share, and nothing else moves") {
  auto view = view_of(3);
  settle(view);
  auto before = view.partitions;
  member fourth;
  fourth.id = id_of(4);
  view.members.push_back(fourth);
  settle(view);
  int moved = 0;
  for (std::size_t p = 0; p < partition_count; ++p)
    if (!(view.partitions[p] == before[p])) {
      ++moved;
      CHECK(view.partitions[p].owner == fourth.id);
    }
  CHECK(moved > 40);
  CHECK(moved < 90);
}

TEST_CASE("placement: a living owner is not robbed, a dead or ended one is") {
  auto view = view_of(2);
  for (auto& lease : view.partitions)
    lease.owner = id_of(1);
  CHECK(plan_partitions(view, id_of(2), {}, {}).moves.empty());
  SUBCASE("its row has expired") {
    view.members[0].alive = false;
    CHECK(plan_partitions(view, id_of(2), {}, {}).moves.size() == partition_count);
  }
  SUBCASE("its process can be seen to be gone") {
    CHECK(plan_partitions(view, id_of(2), {}, {id_of(1)}).moves.size() == partition_count);
  }
  SUBCASE("it is not even a member any more") {
    view.members.erase(view.members.begin());
    CHECK(plan_partitions(view, id_of(2), {}, {}).moves.size() == partition_count);
  }
}

TEST_CASE("placement: what is somebody else's is given away only when it is at rest") {
  auto view = view_of(2);
  for (auto& lease : view.partitions)
    lease.owner = id_of(1);
  auto plan = plan_partitions(view, id_of(1), {}, {});
  CHECK(plan.moves.empty());
  CHECK((plan.keep | plan.leave).all());
  auto rested = plan.leave;
  auto moves = plan_partitions(view, id_of(1), rested, {}).moves;
  CHECK(moves.size() == rested.count());
  for (auto& move : moves)
    CHECK(move.to == id_of(2));
}

TEST_CASE("placement: a draining node ends with nothing, also when it is the last one") {
  auto view = view_of(2);
  settle(view);
  view.members[0].draining = true;
  settle(view);
  CHECK(owned(view)[id_of(2)] == partition_count);
  view.members[1].draining = true;
  settle(view);
  CHECK(owned(view)[node_id{}] == partition_count);
}

} // namespace geartrain
