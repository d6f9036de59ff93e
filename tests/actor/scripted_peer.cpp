#include "tests/actor/scripted_peer.hpp"

#include "messages/actor_base.hpp"

#include <doctest/doctest.h>

namespace geartrain::sim {

namespace {

constexpr milliseconds for_ever{1'000'000'000};

/// Gate and link in one; only listens.
class scripted_peer : public actor_base<peer_link_actor::base> {
public:
  scripted_peer(caf::actor_config& config, std::shared_ptr<peer_log> log) : actor_base(config), log_(std::move(log)) {}

  const char* name() const override { return "scripted_peer"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](const peer_hello& hello, const caf::strong_actor_ptr& speaker) {
        log_->hellos.push_back(hello);
        log_->link = caf::actor_cast<peer_link_actor>(speaker);
      },
      [this](const peer_call& call) { log_->calls.push_back(call); },
      [this](const peer_answer& answer) { log_->answers.push_back(answer); },
      [this](const peer_notice& notice) { log_->notices.push_back(notice); },
    };
  }

private:
  std::shared_ptr<peer_log> log_;
};

} // namespace

scripted_pair::scripted_pair(std::uint8_t self, std::uint8_t peer_is, const task_template& definition)
  : self_number(self), peer_number(peer_is), node(definition, make_wiring()) {
  gate = spawn_peer_gate(node.system, node.shared);
  pass(milliseconds{100}); // so that it has beaten
}

scripted_pair::~scripted_pair() {
  held_connects.clear();
  peer_dies();
  caf::anon_send_exit(gate, caf::exit_reason::kill);
  gate = nullptr;
  log->link = nullptr;
  node.stop();
  node.run();
}

cluster_wiring scripted_pair::make_wiring() {
  auto wiring = wiring_of(self_number);
  wiring.connect = [this](const std::string&, const completion<caf::strong_actor_ptr>& done) {
    connects.push_back(node.shared->now());
    if (holds_connects)
      held_connects.push_back(done);
    else
      finish(done);
  };
  return wiring;
}

void scripted_pair::finish(const completion<caf::strong_actor_ptr>& connect) {
  if (peer)
    connect(caf::actor_cast<caf::strong_actor_ptr>(peer));
  else
    connect(failure{errc::unavailable, "nobody listens there"});
}

void scripted_pair::answer_connect() {
  REQUIRE_FALSE(held_connects.empty());
  auto first = held_connects.front();
  held_connects.erase(held_connects.begin());
  finish(first);
  first = {};
  node.run();
}

void scripted_pair::peer_lives() {
  if (!peer)
    peer = caf::actor_cast<peer_link_actor>(node.system.spawn<scripted_peer>(log));
}

void scripted_pair::peer_joins() {
  auto& table = node.rows->cluster;
  peer_lives();
  table.add(member_number(peer_number), for_ever);
  table.members.at(node_number(self_number)).drain_asked = true; // what it has goes to the peer
  beat();
  pass(milliseconds{1000});
  REQUIRE(map().partitions_served() == 0);
}

void scripted_pair::peer_leaves() {
  node.rows->cluster.leave(node_number(peer_number));
  beat();
}

void scripted_pair::peer_dies() {
  if (peer)
    caf::anon_send_exit(peer, caf::exit_reason::remote_link_unreachable);
  peer = nullptr;
  node.run();
}

void scripted_pair::peer_speaks() {
  peer_hello hello{node_number(peer_number), wire_version};
  if (!log->link)
    return speak_at_gate(hello);
  caf::anon_send(log->link, hello, caf::actor_cast<caf::strong_actor_ptr>(peer));
  node.run();
}

void scripted_pair::speak_at_gate(const peer_hello& hello) {
  caf::anon_send(gate, hello, caf::actor_cast<caf::strong_actor_ptr>(peer));
  node.run();
}

void scripted_pair::link() {
  peer_joins();
  peer_speaks();
  REQUIRE(is_linked());
}

void scripted_pair::beat() {
  caf::anon_send(node.shared->actors->membership(), beat_now{});
  node.run();
}

} // namespace geartrain::sim
