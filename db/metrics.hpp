#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// What the database actor does, in the order in which a freed connection serves the queues.
enum class db_operation : std::uint8_t {
  beat, ///< first of all: a late one costs ownership
  commit_turns,
  create_tasks,
  create_many,
  find_holders, ///< second step of a creation that lost its identity to one that was not visible yet
  sync_claims,
  record_refused,
  touch_tasks,
  load_tasks,
  ping,
  put_template,
  fetch_templates,
  open_tasks,
  overdue_tasks,
  read_pauses,
  set_pause,
  read_inbox,
  settle_inbox,
  leave,
  ask_drain,
  read_cluster,
  add_dead_letter,
  update_dead_letter,
  read_events,
  read_audit,
  list_dead_letters,
  dead_letter_stats,
  investigation_queue,
  staleness,
  list_tasks,
  list_rows, ///< second step of a listing: the rows of the page
  performance,
  bottlenecks,
  housekeeping, ///< partitions of the coming weeks, claims that nobody needs any more
};
inline constexpr std::size_t db_operation_count = static_cast<std::size_t>(db_operation::housekeeping) + 1;

/// The snake_case name, also used as a metric label.
std::string_view to_string(db_operation operation);

/// A copy of a histogram: `counts[i]` values were at most `bounds[i]` (and above the bound before); the last count
/// holds the rest.
struct histogram_figures {
  std::vector<std::int64_t> bounds;
  std::vector<std::uint64_t> counts;
  std::uint64_t count = 0;
  std::int64_t sum = 0;
};

/// Fixed buckets, filled without a lock. Thread-safe.
template <std::size_t Bounds>
class histogram {
public:
  explicit histogram(const std::array<std::int64_t, Bounds>& bounds) : bounds_(bounds) {}

  void observe(std::int64_t value) {
    std::size_t i = 0;
    while (i < Bounds && value > bounds_[i])
      ++i;
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  histogram_figures figures() const {
    histogram_figures copy;
    copy.bounds.assign(bounds_.begin(), bounds_.end());
    for (auto& n : counts_) {
      copy.counts.push_back(n.load(std::memory_order_relaxed));
      copy.count += copy.counts.back();
    }
    copy.sum = sum_.load(std::memory_order_relaxed);
    return copy;
  }

private:
  const std::array<std::int64_t, Bounds>& bounds_;
  std::array<std::atomic<std::uint64_t>, Bounds + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

/// Figures of one operation.
struct db_operation_figures {
  std::string name;
  std::uint64_t units = 0;         ///< units of work accepted
  std::uint64_t round_trips = 0;   ///< batches sent: one request up to its Sync, and its answer
  std::uint64_t statements = 0;    ///< statements in those batches
  std::uint64_t errors = 0;        ///< units that were answered with a failure
  std::uint64_t splits = 0;        ///< batches cut in halves after a failure
  std::uint64_t retries = 0;       ///< batches repeated after a deadlock or serialization failure
  histogram_figures batch_size;    ///< units per batch
  histogram_figures queue_wait_us; ///< of a unit, from its arrival until it is sent
  histogram_figures execution_us;  ///< of a batch, from its sending until its Sync is answered
};

/// Figures of the whole database actor.
struct db_figures {
  std::vector<db_operation_figures> operations; ///< in the order of db_operation
  std::uint64_t round_trips = 0;                ///< sum over the operations
  std::uint64_t exchanges = 0;                  ///< flushes of a connection; batches of several operations ride in one
  std::uint64_t connects = 0;                   ///< connections that became usable
  std::uint64_t reconnects = 0;                 ///< those of them that replaced a lost one
  std::uint64_t lost = 0;                       ///< usable connections that broke
  std::uint64_t rejected = 0;                   ///< units refused because the queue was full
  std::int64_t queued = 0;                      ///< units that wait now
  std::int64_t in_flight = 0;                   ///< units that are with the server now
  std::int64_t connections_up = 0;

  const db_operation_figures& of(db_operation operation) const {
    return operations[static_cast<std::size_t>(operation)];
  }
};

/// Counters of the database actor: written by the actor, read by anybody. Thread-safe.
///
/// What a round trip is: one batch of one operation, sent up to its Sync and answered as a whole. Batches of several
/// operations may share one flush of a connection; each still counts as a round trip of its operation, so that the
/// budget of an operation does not depend on what else happened to wait. `exchanges` counts the flushes.
class db_metrics {
public:
  db_metrics();
  db_metrics(const db_metrics&) = delete;
  db_metrics& operator=(const db_metrics&) = delete;

  db_figures figures() const;

  /// Round trips of all operations so far.
  std::uint64_t round_trips() const;

  // -- for the database actor --------------------------------------------------

  static constexpr std::array<std::int64_t, 10> size_bounds{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
  static constexpr std::array<std::int64_t, 12> time_bounds_us{100,   250,   500,    1000,   2500,    5000,
                                                               10000, 25000, 100000, 500000, 2000000, 10000000};

  struct operation_counters {
    std::atomic<std::uint64_t> units{0};
    std::atomic<std::uint64_t> round_trips{0};
    std::atomic<std::uint64_t> statements{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::uint64_t> splits{0};
    std::atomic<std::uint64_t> retries{0};
    histogram<size_bounds.size()> batch_size{size_bounds};
    histogram<time_bounds_us.size()> queue_wait_us{time_bounds_us};
    histogram<time_bounds_us.size()> execution_us{time_bounds_us};
  };

  operation_counters& of(db_operation operation) { return operations_[static_cast<std::size_t>(operation)]; }

  std::atomic<std::uint64_t> exchanges{0};
  std::atomic<std::uint64_t> connects{0};
  std::atomic<std::uint64_t> reconnects{0};
  std::atomic<std::uint64_t> lost{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::int64_t> queued{0};
  std::atomic<std::int64_t> in_flight{0};
  std::atomic<std::int64_t> connections_up{0};

private:
  std::array<operation_counters, db_operation_count> operations_;
};

} // namespace geartrain
