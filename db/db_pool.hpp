#pragma once

#include "db/metrics.hpp"
#include "messages/interfaces.hpp"
#include "messages/time.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace geartrain {

/// How the database actor behaves. All bounds must be at least 1.
struct db_config {
  std::string dsn;                   ///< libpq connection string
  std::size_t connections = 2;       ///< the whole pool; 1 suffices for everything
  std::size_t max_batch = 512;       ///< units folded into one statement; of many creations each counts
  std::size_t max_queue = 8192;      ///< units that may wait; more are refused with errc::overloaded
  milliseconds unit_deadline{10000}; ///< a unit waits no longer than this to be sent, and then no longer for its answer
  milliseconds reconnect_min{50};    ///< first pause after a lost or refused connection; doubles, with jitter
  milliseconds reconnect_max{2000};
  std::size_t max_batch_bytes = 8U << 20;           ///< rough size of one statement's parameters
  std::size_t max_queue_bytes = 256U << 20;         ///< rough size of all that waits
  milliseconds housekeeping_every{6 * 3600 * 1000}; ///< partitions of the coming weeks; first run after this time
};

/// Starts the database actor: detached, event-based, the only code of a node that talks to PostgreSQL.
///
/// Each unit is answered exactly once: with its reply, or with an error of errc
/// - overloaded: the queue is full; nothing was done. Never for beats and leaves
/// - unavailable: the connection broke while the unit was in flight (the outcome of a write is unknown: read again),
///   or no connection was free before the unit's deadline, or the server can't write at present (nothing was done)
/// - storage: the database refused this unit; nothing of it was done
/// - not_found: load_task_unit of an unknown task
/// - stopping: the actor is ending
///
/// An exit message with any reason but `kill` drains: new units are refused, what waits is written, then the actor ends
/// (at the latest after `unit_deadline`). `kill` ends it at once and answers everything with errc::stopping.
db_actor spawn_db_pool(caf::actor_system& system, db_config config, std::shared_ptr<db_metrics> metrics);

} // namespace geartrain
