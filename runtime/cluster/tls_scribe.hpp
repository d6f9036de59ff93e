#pragma once

#include "runtime/cluster/tls.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/scribe.hpp>

namespace geartrain {

/// The connection as CAF's network loop takes one. The system must have loaded the middleman. Thread-safe.
caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, tls_connection connection);

} // namespace geartrain
