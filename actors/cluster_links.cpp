#include "actors/cluster_impl.hpp"

#include <algorithm>

// One link for every other member that speaks the same version.

namespace geartrain {

void cluster::keep_links() {
  auto wanted = [this](const node_id& id) {
    return std::any_of(view_.members.begin(), view_.members.end(),
                       [&](const member& one) { return one.id == id && one.alive && one.wire == self_.wire; });
  };
  std::erase_if(links_, [&](const auto& entry) {
    if (wanted(entry.first))
      return false;
    caf::anon_send(entry.second, stop_link{});
    return true;
  });
  for (auto& one : view_.members)
    if (one.id != self_.id && wanted(one.id) && !links_.contains(one.id)) {
      auto link = spawn_peer_link(home_system(), engine_, one);
      monitor(link);
      links_.emplace(one.id, std::move(link));
    }
}

/// Of itself: the next beat finds that one is missing.
void cluster::link_died(const caf::actor_addr& link) {
  std::erase_if(links_, [&](const auto& entry) { return entry.second.address() == link; });
}

/// The other side connects, if its id is the smaller one. It may be so new that this node has not read of it yet; it will
/// speak again.
void cluster::hear(const link_speaks& message) {
  auto found = links_.find(message.hello.id);
  if (found == links_.end())
    return beat();
  send(found->second, message.hello, message.link);
}

void cluster::nudge_all() {
  for (auto& peer : map().peers())
    send(peer, nudge_peer{false, false, true, {}});
}

namespace {

class peer_gate : public actor_base<peer_gate_actor::base> {
public:
  peer_gate(caf::actor_config& config, engine_ptr engine) : actor_base(config), engine_(std::move(engine)) {}

  const char* name() const override { return "peer_gate"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](const peer_hello& hello, const caf::strong_actor_ptr& link) {
        if (auto membership = engine_->actors->membership(); membership && link && hello.wire == wire_version)
          send(caf::actor_cast<caf::typed_actor<caf::reacts_to<link_speaks>>>(membership), link_speaks{hello, link});
      },
    };
  }

private:
  engine_ptr engine_;
};

} // namespace

peer_gate_actor spawn_peer_gate(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<peer_gate>(std::move(engine));
}

} // namespace geartrain
