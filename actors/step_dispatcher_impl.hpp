#pragma once

#include "actors/cancelled_leases.hpp"
#include "actors/engine.hpp"
#include "actors/lease_table.hpp"
#include "actors/own_demand.hpp"
#include "actors/paused_steps.hpp"
#include "actors/poll_queue.hpp"
#include "actors/ready_queue.hpp"
#include "actors/untold_polls.hpp"
#include "messages/actor_base.hpp"

#include <unordered_map>
#include <vector>

namespace geartrain {

/// Private: time to tell the peers who waits here. Only the one planned last counts.
struct tell_peers {
  std::uint64_t number = 0;
};

/// Private: time to give workers of other nodes what nobody here has taken.
struct offer_steps {};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::tell_peers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::offer_steps)

namespace geartrain {

using dispatcher_interface = step_dispatcher_actor::extend<caf::reacts_to<tell_peers>, caf::reacts_to<offer_steps>>;

class step_dispatcher : public actor_base<dispatcher_interface::base> {
public:
  step_dispatcher(caf::actor_config& config, engine_ptr shared);

  const char* name() const override { return "step_dispatcher"; }

  void on_exit() override {
    for (auto& poll : polls_.take_all())
      poll.done(std::vector<leased_step>{});
  }

protected:
  behavior_type make_behavior() override;

private:
  using clock = cluster_map::clock; // of the moments below

  /// How long a step waits for a worker of this node that has just asked for others, before it goes to another node.
  static constexpr milliseconds own_patience{5};

  static constexpr milliseconds shortest_moment{1};

  /// How long the news that a worker waits no more waits for others to go with: a worker that got a step comes back soon. Until
  /// it is told a peer may offer it steps in vain; they come back.
  static constexpr milliseconds end_moment{8};

  /// Steps for a worker of another node. It may have got some at home while these are on their way, and then they come back:
  /// so offers grow a little each time that there was more to give, and shrink by half when they come back.
  static constexpr std::size_t first_offer = 16;
  static constexpr std::size_t offer_growth = 4;
  static constexpr std::size_t largest_offer = 1024;

  using notices = std::unordered_map<std::size_t, steps_leased>; // by shard of the result_processor

  // -- steps and workers meet (step_dispatcher.cpp) -----------------------------

  void poll(const poll_request& asked);
  bool is_there(const poll_request& asked);
  void serve(const poll_request& asked);
  leased_step lease_out(ready_step_ptr step, const std::string& worker, std::size_t offer);
  void steps_arrive(const steps_ready& news);
  bool meets(const ready_step& step);
  void release(const lease_token& token);
  bool take_out(const step_id& step) { return ready_.remove(step) || paused_.remove(step); }
  void revoke(const revoked_steps& revoked);
  void ask_for_pauses();
  void pause(const set_pauses& message);
  bool already_leased(const ready_step& step);
  withdrawn_reply withdraw(const withdraw_steps& asked);
  void take_back(const leases_returned& message);
  void drain(const drain_request& asked);
  void on_tick();

  // -- leases (step_dispatcher_leases.cpp) ----------------------------------------

  void heartbeat(const heartbeat_request& asked);
  bool revive(const lease_token& token, const std::string& worker, timestamp expires_at);
  void adopt(const adopt_leases& message);
  void record_claims(timestamp older_than);
  void answer_drain();

  // -- the cluster (step_dispatcher_peers.cpp) --------------------------------------

  bool serves(const step_id& step) const { return engine_->actors->cluster().serves(step); }
  bool may_dispatch() {
    auto certain = engine_->actors->cluster().is_certain();
    was_certain_ &= certain;
    return certain;
  }
  void serve_again();
  std::optional<poll_request> take_poll(std::uint64_t poll_id);
  void worker_waits(const poll_request& poll, milliseconds wait);
  bool worker_waits_no_more(const poll_request& poll);
  void hurry();
  void serve_waiting(std::uint64_t poll_id);
  void plan_telling(clock::time_point at);
  void tell_who_waits();
  void welcome(const peer_came& message);
  void hand_out(steps_arrived& message);
  void note_demand(const poll_request& poll);
  bool may_leave(const ready_step& step) const;
  void plan_offer();
  void offer();
  void lose(const lose_partitions& message);
  void answer_losers();

  engine_ptr engine_;
  std::uint32_t epoch_;
  ready_queue ready_;
  poll_queue polls_;
  own_demand demand_;
  paused_steps paused_;
  bool pauses_known_ = false;
  bool asking_ = false;
  std::vector<steps_ready> early_; ///< what arrived before the pauses were known
  lease_table leases_;
  cancelled_leases cancelled_;
  bool recording_ = false;
  bool draining_ = false;
  std::vector<completion<std::uint32_t>> drained_; ///< who waits until everything held is recorded

  std::vector<lose_partitions> losing_; ///< what was held of them is being recorded
  untold_polls untold_;
  std::vector<std::uint64_t> ended_polls_;                  ///< the peers may think that these wait
  clock::time_point telling_at_ = clock::time_point::max(); ///< when the next tell_peers comes
  std::uint64_t telling_ = 0;
  milliseconds moment_ = shortest_moment; ///< that a worker waits before the peers are told
  std::size_t offer_size_ = first_offer;
  bool offering_ = false;   ///< an offer_steps is on its way
  bool was_certain_ = true; ///< each time that somebody asked
};

} // namespace geartrain
