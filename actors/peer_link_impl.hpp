#pragma once

#include "actors/peer_link.hpp"
#include "messages/actor_base.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <variant>

namespace geartrain {

/// Private: the way to the peer is open (or is not: null).
struct link_connected {
  caf::strong_actor_ptr gate;
};

/// Private: a worker that waits at the peer has got something, or waits no longer.
struct remote_poll_over {
  std::uint64_t poll_id = 0; ///< of the peer
  std::uint64_t here = 0;    ///< which of the polls for it that was
};

/// Private: time to look at what is overdue.
struct link_tick {};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::link_connected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::remote_poll_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::link_tick)

namespace geartrain {

using link_interface =
  peer_link_handle::extend<caf::reacts_to<link_connected>, caf::reacts_to<remote_poll_over>, caf::reacts_to<link_tick>>;

class peer_link : public actor_base<link_interface::base> {
public:
  peer_link(caf::actor_config& config, engine_ptr engine, member peer);

  const char* name() const override { return "peer_link"; }
  void on_exit() override;

protected:
  behavior_type make_behavior() override;

private:
  using clock = cluster_map::clock;
  using call_origin =
    std::variant<submit_reports, read_task_request, await_task_request, act_request, heartbeat_request>;

  struct open_call {
    call_origin origin;
    clock::time_point deadline;
  };

  struct open_wait {
    std::uint64_t call = 0;
    clock::time_point until;
  };

  // -- the connection (peer_link.cpp) ---------------------------------------------

  bool connects() const { return engine_->cluster->self.id < peer_.id; }
  void connect();
  void connected(const link_connected& way);
  void hear(const peer_hello& hello, const caf::strong_actor_ptr& speaker);
  void lose_peer();
  void try_again();
  void on_tick();
  void stop();

  // -- calls to the peer (peer_link_calls.cpp) --------------------------------------

  template <class Message>
  void call(peer_call_body body, Message origin, milliseconds patience);
  void call_reports(const submit_reports& message);
  void call_read(const read_task_request& request);
  void call_await(const await_task_request& request);
  void cancel_await(const wait_cancelled& message);
  milliseconds end_wait(const await_task_request& request);
  void call_act(const act_request& request);
  void call_heartbeat(const heartbeat_request& request);
  void answered(peer_answer& answer);
  void settle(call_origin origin, peer_answer_body body);
  void do_here(call_origin origin);
  void expire_calls();
  void end_calls();

  // -- calls and notices of the peer (peer_link_service.cpp) -------------------------

  void serve(peer_call& call);
  void take_notice(peer_notice& notice);
  void workers_of_peer(const workers_wait& news);
  void end_remote_poll(const remote_poll_over& over);
  void forget_remote_polls();
  void take_steps(steps_offered& offer);
  void give_back(const steps_offered& offer);
  /// Unique in the process: calls of several peers have the same numbers.
  std::uint64_t wait_id_of(std::uint64_t call) const { return wait_base_ + call; }
  void look(const look_again& what);
  void tell_polls(const polls_wait& news);
  void tell(peer_notice_body body);

  /// Completes the templates of a body, if need be with the help of the database, and then goes on; never, if one is
  /// unknown.
  template <class Body>
  void with_templates(std::shared_ptr<Body> body, std::function<void(bool complete)> then);

  clock::time_point now() const { return engine_->actors->cluster().now(); }
  cluster_metrics& metrics() const { return engine_->actors->cluster().metrics(); }

  engine_ptr engine_;
  const member peer_;
  peer_link_actor remote_; ///< null: not linked
  bool connecting_ = false;
  std::optional<clock::time_point> heard_by_; ///< when the peer must have spoken
  milliseconds pause_;
  bool stopped_ = false;

  std::uint64_t next_call_ = 1;
  std::map<std::uint64_t, open_call> calls_;
  std::set<std::pair<clock::time_point, std::uint64_t>> deadlines_;
  std::map<std::uint64_t, open_wait> awaited_; ///< by the wait_id of their origin

  std::unordered_map<std::uint64_t, std::uint64_t> remote_polls_; ///< polls here by those of the peer
  std::uint64_t wait_base_;
};

} // namespace geartrain
