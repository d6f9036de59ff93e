#include "tests/actor/cluster_sim.hpp"

#include "messages/actor_base.hpp"

#include <doctest/doctest.h>

namespace geartrain::sim {

namespace {

/// The end of a way at which one node sees an actor of the other.
class way_end : public actor_base<peer_link_actor::base> {
public:
  way_end(caf::actor_config& config, network& net, network::way pair, const caf::strong_actor_ptr& target)
    : actor_base(config),
      net_(net),
      pair_(pair),
      connection_(net.connection_of(pair)),
      target_(caf::actor_cast<peer_link_actor>(target)) {}

  const char* name() const override { return "way_end"; }

  void on_exit() override { target_ = nullptr; }

protected:
  behavior_type make_behavior() override {
    set_down_handler([this](caf::scheduled_actor*, caf::down_msg&) { quit(); });
    monitor(target_);
    return {
      [this](const peer_hello& hello, const caf::strong_actor_ptr& speaker) {
        if (net_.passes(pair_, connection_))
          send(target_, hello, net_.new_end(pair_, speaker));
      },
      [this](const peer_call& call) { pass_on(call); },
      [this](const peer_answer& answer) { pass_on(answer); },
      [this](const peer_notice& notice) { pass_on(notice); },
    };
  }

private:
  template <class Message>
  void pass_on(const Message& message) {
    if (net_.passes(pair_, connection_))
      send(target_, message);
  }

  network& net_;
  network::way pair_;
  std::size_t connection_;
  peer_link_actor target_;
};

} // namespace

// -- names ---------------------------------------------------------------------------------

node_id node_number(std::uint8_t number) {
  node_id id;
  id.bytes[0] = number;
  return id;
}

member member_number(std::uint8_t number) {
  member one;
  one.id = node_number(number);
  one.name = "node" + std::to_string(number);
  one.address = std::to_string(number);
  return one;
}

cluster_wiring wiring_of(std::uint8_t number) {
  cluster_wiring wiring;
  wiring.self = member_number(number);
  wiring.connect = [](const std::string&, const completion<caf::strong_actor_ptr>& done) {
    done(failure{errc::unavailable, "nobody listens there"});
  };
  wiring.still_runs = [](const host_process&) { return std::optional<bool>{}; };
  return wiring;
}

// -- network -------------------------------------------------------------------------------

void network::connect(std::uint8_t from, const std::string& address, const completion<caf::strong_actor_ptr>& done) {
  auto to = static_cast<std::uint8_t>(std::stoi(address));
  auto gate = gates_.find(to);
  if (gate == gates_.end() || cut_.contains(between(from, to)))
    return done(failure{errc::unavailable, "nobody listens there"});
  done(new_end(between(from, to), caf::actor_cast<caf::strong_actor_ptr>(gate->second)));
}

caf::strong_actor_ptr network::new_end(const way& pair, const caf::strong_actor_ptr& target) {
  auto end = caf::actor_cast<caf::strong_actor_ptr>(system_.spawn<way_end>(*this, pair, target));
  ends_[pair].push_back(end);
  return end;
}

void network::break_off(const way& pair) {
  ++broken_[pair];
  for (auto& end : std::exchange(ends_[pair], {}))
    caf::anon_send_exit(end, caf::exit_reason::remote_link_unreachable);
}

void network::cut(std::uint8_t one, std::uint8_t other) {
  cut_.insert(between(one, other));
  break_off(between(one, other));
}

void network::mend(std::uint8_t one, std::uint8_t other) {
  cut_.erase(between(one, other));
  silent_.erase(between(one, other));
}

void network::close(std::uint8_t node) {
  gates_.erase(node);
  for (auto& [pair, ends] : ends_)
    if (pair.first == node || pair.second == node)
      break_off(pair);
}

// -- nodes ---------------------------------------------------------------------------------

cluster_world::cluster_world(std::uint8_t nodes, const task_template& definition) : definition_(definition) {
  for (std::uint8_t number = 1; number <= nodes; ++number)
    start(number);
  settle();
}

cluster_world::~cluster_world() {
  for (auto number : std::set{running_})
    crash(number);
  run();
  while (!nodes_.empty()) // the first one last: it has the scheduler
    nodes_.erase(std::prev(nodes_.end()));
}

cluster_wiring cluster_world::make_wiring(std::uint8_t number) {
  auto wiring = wiring_of(number);
  wiring.connect = [this, number](const std::string& address, const completion<caf::strong_actor_ptr>& done) {
    ways->connect(number, address, done);
  };
  return wiring;
}

void cluster_world::start(std::uint8_t number) {
  auto wiring = make_wiring(number);
  if (nodes_.empty()) {
    nodes_[number] = std::make_unique<world>(definition_, std::move(wiring));
    ways = std::make_unique<network>(node(number).system);
  } else {
    nodes_[number] = std::make_unique<world>(node(1), definition_, std::move(wiring));
  }
  gates_[number] = spawn_peer_gate(node(number).system, node(number).shared);
  ways->open(number, gates_[number]);
  running_.insert(number);
  run();
}

void cluster_world::crash(std::uint8_t number) {
  ways->close(number);
  caf::anon_send_exit(gates_.at(number), caf::exit_reason::kill);
  gates_.erase(number);
  running_.erase(number);
  node(number).stop();
}

void cluster_world::beat(std::uint8_t number) {
  caf::anon_send(node(number).shared->actors->membership(), beat_now{});
  run();
}

void cluster_world::release_beats(std::uint8_t number) {
  caf::anon_send(caf::actor_cast<fake_db_actor>(node(number).shared->actors->db()), release_answers{});
  run();
}

pending<std::uint32_t> cluster_world::hand_over(std::uint8_t number) {
  pending<std::uint32_t> result;
  caf::anon_send(node(number).shared->actors->membership(), geartrain::hand_over{result.done()});
  run();
  return result;
}

pending<std::uint32_t> cluster_world::leave(std::uint8_t number) {
  pending<std::uint32_t> result;
  caf::anon_send(node(number).shared->actors->membership(), leave_cluster{result.done()});
  run();
  return result;
}

task_snapshot cluster_world::task_at(std::uint8_t number) {
  for (;;) {
    auto task = node(number).created();
    if (map(number).serves(task->id))
      return task;
    for (auto other : running_)
      if (map(other).serves(task->id))
        node(other).act(task->id, act_kind::cancel_task);
  }
}

std::size_t cluster_world::shared_partitions() {
  std::size_t shared = 0;
  for (std::uint16_t p = 0; p < partition_count; ++p) {
    auto owners = std::count_if(running_.begin(), running_.end(), [&](std::uint8_t number) {
      return map(number).serves_partition(p) && map(number).is_certain();
    });
    shared += owners > 1 ? 1 : 0;
  }
  return shared;
}

} // namespace geartrain::sim
