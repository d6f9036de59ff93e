#include "actors/peer_link.hpp"

#include "actors/peer_link_impl.hpp"

#include <algorithm>

// Nothing that is said over a link is needed to be right: it spares the database a read, and a step the wait for one. So a
// link may break at any moment, and messages may be lost with it. The rules that follow from it:
//
// - A call whose answer does not come in time is done here. The peer may have done it: then a report is a duplicate, and what
//   forbids an act is most likely the act itself.
// - A peer that speaks anew has lost its memory of the link: everything open is ended as if the connection had broken.
// - Handles are good until the down message of the end that they name; then they are dropped for ever.

namespace geartrain {

namespace {

constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{5000};
constexpr milliseconds tick_pause{250};
constexpr milliseconds hello_patience{3000};

} // namespace

peer_link::peer_link(caf::actor_config& config, engine_ptr engine, member peer)
  : actor_base(config),
    engine_(std::move(engine)),
    peer_(std::move(peer)),
    pause_(first_pause),
    wait_base_(engine_->random() | std::uint64_t{1} << 63) {}

peer_link::behavior_type peer_link::make_behavior() {
  set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) {
    if (remote_ && down.source == remote_.address())
      lose_peer();
  });
  if (connects())
    connect();
  delayed_send(this, tick_pause, link_tick{});
  return {
    [this](const submit_reports& message) { call_reports(message); },
    [this](const read_task_request& request) { call_read(request); },
    [this](const await_task_request& request) { call_await(request); },
    [this](const wait_cancelled& message) { cancel_await(message); },
    [this](const act_request& request) { call_act(request); },
    [this](const heartbeat_request& request) { call_heartbeat(request); },
    [this](const leases_returned& message) { tell(offers_returned{message.tokens}); },
    [this](const polls_wait& news) { tell_polls(news); },
    [this](const nudge_peer& nudge) {
      tell(look_again{nudge.pauses, nudge.templates, nudge.membership, nudge.tasks});
    },
    [this](const peer_hello& hello, const caf::strong_actor_ptr& speaker) { hear(hello, speaker); },
    [this](peer_call& call) { serve(call); },
    [this](peer_answer& answer) { answered(answer); },
    [this](peer_notice& notice) { take_notice(notice); },
    [this](stop_link) { stop(); },
    [this](const link_connected& way) { connected(way); },
    [this](const remote_poll_over& over) { end_remote_poll(over); },
    [this](link_tick) { on_tick(); },
  };
}

void peer_link::on_exit() {
  engine_->actors->cluster().link_down(peer_.id, address());
  remote_ = nullptr;
  end_calls();
}

// -- the connection ------------------------------------------------------------------------

void peer_link::connect() {
  if (remote_ || stopped_ || std::exchange(connecting_, true))
    return;
  auto self = caf::actor_cast<link_interface>(this);
  completion<caf::strong_actor_ptr> opened{[self](expected<caf::strong_actor_ptr> way) {
    caf::anon_send(self, link_connected{way ? *way : caf::strong_actor_ptr{}});
  }};
  engine_->cluster->connect(peer_.address, std::move(opened));
}

void peer_link::connected(const link_connected& way) {
  connecting_ = false;
  if (stopped_ || remote_)
    return;
  if (!way.gate)
    return try_again();
  heard_by_ = now() + hello_patience;
  send(caf::actor_cast<caf::typed_actor<caf::reacts_to<peer_hello, caf::strong_actor_ptr>>>(way.gate),
       peer_hello{engine_->cluster->self.id, wire_version}, caf::actor_cast<caf::strong_actor_ptr>(this));
}

void peer_link::hear(const peer_hello& hello, const caf::strong_actor_ptr& speaker) {
  if (stopped_ || hello.id != peer_.id || !speaker)
    return;
  if (remote_) {
    demonitor(remote_.address());
    lose_peer();
  }
  remote_ = caf::actor_cast<peer_link_actor>(speaker);
  monitor(remote_);
  heard_by_.reset();
  pause_ = first_pause;
  if (!connects())
    send(remote_, peer_hello{engine_->cluster->self.id, wire_version}, caf::actor_cast<caf::strong_actor_ptr>(this));
  auto self = caf::actor_cast<peer_actor>(this);
  engine_->actors->cluster().link_up(peer_.id, self);
  send(engine_->actors->dispatcher(), peer_came{self});
  spdlog::info("cluster: linked with {} ({})", peer_.name, to_string(peer_.id));
}

void peer_link::lose_peer() {
  engine_->actors->cluster().link_down(peer_.id, address());
  metrics().links_lost.fetch_add(1, std::memory_order_relaxed);
  spdlog::info("cluster: lost the link with {} ({})", peer_.name, to_string(peer_.id));
  remote_ = nullptr;
  end_calls();
  forget_remote_polls();
  if (auto membership = engine_->actors->membership())
    send(membership, beat_now{}); // its process may be gone, and its partitions free
  if (connects())
    try_again();
}

void peer_link::try_again() {
  heard_by_ = now() + pause_;
  pause_ = std::min(pause_ * 2, longest_pause);
}

void peer_link::on_tick() {
  expire_calls();
  if (connects() && !remote_ && !connecting_ && heard_by_ && *heard_by_ <= now()) {
    heard_by_.reset();
    connect();
  }
  if (!stopped_)
    delayed_send(this, remote_ ? tick_pause : first_pause, link_tick{});
}

void peer_link::stop() {
  stopped_ = true;
  engine_->actors->cluster().link_down(peer_.id, address());
  if (remote_)
    demonitor(remote_.address());
  remote_ = nullptr;
  end_calls();
  forget_remote_polls();
  quit();
}

peer_link_handle spawn_peer_link(caf::actor_system& system, engine_ptr engine, member peer) {
  return system.spawn<peer_link>(std::move(engine), std::move(peer));
}

} // namespace geartrain
