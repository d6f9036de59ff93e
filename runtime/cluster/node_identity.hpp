#pragma once

#include "messages/cluster.hpp"

#include <caf/all.hpp>

// CAF makes the id of a node from a hardware address and the process id. Containers behind one address collide, and a
// restarted node may get the id of its predecessor, whose handles are dead for its peers. CAF declares caf::net::middleman
// as a module and as a friend of actor_system, and never defines it: a way in. To be looked at with any other version.

namespace caf::net {

class middleman : public actor_system::module {
public:
  id_t id() const override { return network_manager; }
  void* subtype_ptr() override { return this; }

protected:
  static void assign_node(actor_system& system, caf::node_id id) { system.node_ = std::move(id); }
};

} // namespace caf::net

namespace geartrain {

/// The id that a node has for CAF: its own one, the process and 32 random bits.
caf::node_id make_caf_node_id(const node_id& id);

/// Gives an actor system its id, after CAF has made one and before anything has used it.
class node_identity : public caf::net::middleman {
public:
  node_identity(caf::actor_system& system, const node_id& id) : system_(system), id_(id) {}

  void init(caf::actor_system_config& settings) override;
  void start() override {}
  void stop() override {}

protected:
  caf::actor_system& system_;

private:
  node_id id_;
};

} // namespace geartrain
