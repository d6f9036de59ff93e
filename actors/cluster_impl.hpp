#pragma once

#include "actors/cluster.hpp"
#include "actors/peer_link.hpp"
#include "messages/actor_base.hpp"
#include "workflow/placement.hpp"

#include <map>
#include <optional>
#include <vector>

namespace geartrain {

/// Private: time for a beat; only the one planned last counts.
struct beat_due {
  std::uint64_t number = 0;
};

/// Private: nothing of these partitions is dispatched any more (and then: no turn of theirs is open).
struct dispatch_ended {
  std::vector<std::uint16_t> partitions;
};
struct partitions_rested {
  std::vector<std::uint16_t> partitions;
};

/// Private: a link of another node speaks for the first time.
struct link_speaks {
  peer_hello hello;
  caf::strong_actor_ptr link;
};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::beat_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::dispatch_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::partitions_rested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::link_speaks)

namespace geartrain {

using cluster_interface = cluster_actor::extend<caf::reacts_to<beat_due>, caf::reacts_to<dispatch_ended>,
                                                caf::reacts_to<partitions_rested>, caf::reacts_to<link_speaks>>;

class cluster : public actor_base<cluster_interface::base> {
public:
  cluster(caf::actor_config& config, engine_ptr engine);

  const char* name() const override { return "cluster"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using clock = cluster_map::clock;

  // -- beats (cluster.cpp) --------------------------------------------------------

  void beat();
  void plan_beat(milliseconds pause);
  void beat_answered(beat_reply& reply, clock::time_point sent, std::size_t given);
  void beat_failed(const failure& why);
  void leave();
  bool is_alone() const;
  std::vector<node_id> find_ended() const;
  std::vector<partition_move> moves_now(const placement_plan& plan) const;

  // -- partitions (cluster_partitions.cpp) -----------------------------------------

  /// What is neither served nor on its way to rest, whether this node ever served it or not.
  partition_set at_rest() const { return ~(serving_ | losing_); }
  void follow_plan(const placement_plan& plan);
  void gain(const partition_set& gained);
  void begin_losing(const partition_set& lost);
  void dispatch_over(const dispatch_ended& message);
  void rested(const partitions_rested& message);
  void tell_touched(const std::vector<task_id>& ids);
  void finish_joining();
  void finish_leaving();

  // -- links (cluster_links.cpp) ------------------------------------------------------

  void keep_links();
  void hear(const link_speaks& message);
  void link_died(const caf::actor_addr& link);
  void nudge_all();

  cluster_map& map() const { return engine_->actors->cluster(); }

  engine_ptr engine_;
  const cluster_wiring& wiring_;
  member self_;
  cluster_view view_;
  bool view_known_ = false;

  bool beating_ = false;
  bool beat_again_ = false;
  std::uint64_t beat_number_ = 0;
  bool failed_before_ = false;
  clock::time_point claims_from_{}; ///< nothing is taken over before

  partition_set serving_;
  partition_set losing_; ///< being brought to rest

  std::vector<completion<std::uint32_t>> joining_; ///< who waits until the partitions are served
  bool joined_ = false;
  std::vector<completion<std::uint32_t>> leaving_;
  bool hands_over_ = false; ///< this node is about to stop
  bool left_ = false;
  std::vector<completion<std::uint32_t>> departing_; ///< who waits until this node is no member any more

  std::map<node_id, peer_link_handle> links_;
};

} // namespace geartrain
