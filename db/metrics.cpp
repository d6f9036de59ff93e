#include "db/metrics.hpp"

namespace geartrain {

namespace {

constexpr std::array<std::string_view, db_operation_count> names{"beat",
                                                                 "commit_turns",
                                                                 "create_tasks",
                                                                 "create_many",
                                                                 "find_holders",
                                                                 "sync_claims",
                                                                 "record_refused",
                                                                 "touch_tasks",
                                                                 "load_tasks",
                                                                 "ping",
                                                                 "put_template",
                                                                 "fetch_templates",
                                                                 "open_tasks",
                                                                 "overdue_tasks",
                                                                 "read_pauses",
                                                                 "set_pause",
                                                                 "read_inbox",
                                                                 "settle_inbox",
                                                                 "leave",
                                                                 "ask_drain",
                                                                 "read_cluster",
                                                                 "add_dead_letter",
                                                                 "update_dead_letter",
                                                                 "read_events",
                                                                 "read_audit",
                                                                 "list_dead_letters",
                                                                 "dead_letter_stats",
                                                                 "investigation_queue",
                                                                 "staleness",
                                                                 "list_tasks",
                                                                 "list_rows",
                                                                 "performance",
                                                                 "bottlenecks",
                                                                 "housekeeping"};

} // namespace

std::string_view to_string(db_operation operation) {
  auto i = static_cast<std::size_t>(operation);
  return i < names.size() ? names[i] : std::string_view{"unknown"};
}

db_metrics::db_metrics() = default;

db_figures db_metrics::figures() const {
  db_figures all;
  for (std::size_t i = 0; i < db_operation_count; ++i) {
    auto& from = operations_[i];
    db_operation_figures one;
    one.name = names[i];
    one.units = from.units.load(std::memory_order_relaxed);
    one.round_trips = from.round_trips.load(std::memory_order_relaxed);
    one.statements = from.statements.load(std::memory_order_relaxed);
    one.errors = from.errors.load(std::memory_order_relaxed);
    one.splits = from.splits.load(std::memory_order_relaxed);
    one.retries = from.retries.load(std::memory_order_relaxed);
    one.batch_size = from.batch_size.figures();
    one.queue_wait_us = from.queue_wait_us.figures();
    one.execution_us = from.execution_us.figures();
    all.round_trips += one.round_trips;
    all.operations.push_back(std::move(one));
  }
  all.exchanges = exchanges.load(std::memory_order_relaxed);
  all.connects = connects.load(std::memory_order_relaxed);
  all.reconnects = reconnects.load(std::memory_order_relaxed);
  all.lost = lost.load(std::memory_order_relaxed);
  all.rejected = rejected.load(std::memory_order_relaxed);
  all.queued = queued.load(std::memory_order_relaxed);
  all.in_flight = in_flight.load(std::memory_order_relaxed);
  all.connections_up = connections_up.load(std::memory_order_relaxed);
  return all;
}

std::uint64_t db_metrics::round_trips() const {
  std::uint64_t sum = 0;
  for (auto& one : operations_)
    sum += one.round_trips.load(std::memory_order_relaxed);
  return sum;
}

} // namespace geartrain
