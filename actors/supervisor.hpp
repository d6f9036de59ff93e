#pragma once

#include "actors/engine.hpp"

#include <caf/all.hpp>

#include <functional>
#include <string>
#include <vector>

namespace geartrain {

/// An actor that must live as long as the node.
struct supervised_role {
  std::string name;
  std::function<caf::strong_actor_ptr()> start; ///< spawns the actor and puts its handle into the directory
};

/// Private to the supervisor: end all children, in reverse order, and then itself.
struct stop_children {};

/// Private to the supervisor: a pause before a restart is over.
struct start_child {
  std::size_t index = 0;
};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::stop_children)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::start_child)

namespace geartrain {

using supervisor_actor = caf::typed_actor<caf::reacts_to<stop_children>, caf::reacts_to<start_child>>;

/// Starts the roles in order and restarts whichever dies, with a growing pause. After a restart every result_processor is
/// told to recover: what was in the dead actor's mailbox or hands is derived again from rows. A role that dies more than
/// ten times within a minute is beyond restarting: `give_up` is called with its name.
/// `started` is answered with the number of actors once all of them are in the directory.
supervisor_actor spawn_supervisor(caf::actor_system& system, engine_ptr engine, std::vector<supervised_role> roles,
                                  std::function<void(const std::string&)> give_up,
                                  completion<std::uint32_t> started = {});

/// The roles of one node's engine, ground up. `start_db` spawns the database actor.
std::vector<supervised_role> engine_roles(caf::actor_system& system, engine_ptr engine,
                                          std::function<db_actor()> start_db);

} // namespace geartrain
