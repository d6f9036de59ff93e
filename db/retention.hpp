#pragma once

#include "messages/expected.hpp"
#include "messages/time.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// What is finished and old leaves the database.
//
// The unit is the week in which tasks were created, Monday to Monday in UTC; a week is old when all of it lies before
// now - older_than. Of an old week go: the head rows of tasks that have ended that long ago, their identities and their
// dead letters, in batches; then the week's partitions, with everything in them. Tasks that are open, or ended later,
// keep their rows, which move to the default partitions; the run after their time removes those one by one. Durable
// events older than that go too. Nothing of it needs the nodes to stop.
//
// A run may be broken off at any moment and called again: each step finds by itself what is left to do.

namespace geartrain {

struct retention_options {
  std::string dsn;
  std::chrono::hours older_than{24 * 30};
  timestamp now;
  std::uint32_t batch = 1000;                       ///< head rows removed in one transaction
  std::optional<std::filesystem::path> archive_dir; ///< absent: what leaves is gone
};

struct retention_week {
  std::string monday;          ///< 2025-11-10
  std::uint64_t finished = 0;  ///< tasks that leave
  std::uint64_t remaining = 0; ///< tasks that stay
  std::uint64_t bytes = 0;     ///< of its partitions, 0 if it has none (any more)
};

/// What a run would do.
struct retention_plan {
  timestamp ended_before;            ///< tasks must have ended before this
  std::vector<retention_week> weeks; ///< old ones, oldest first
  std::uint64_t finished = 0;
};

/// What a run has done.
struct retention_report {
  std::uint64_t tasks_removed = 0;
  std::uint64_t tasks_archived = 0;
  std::uint64_t weeks_dropped = 0;
  std::uint64_t rows_moved = 0; ///< of tasks that stay, to the default partitions
  std::uint64_t rows_swept = 0; ///< from the default partitions
  std::uint64_t identities_removed = 0;
  std::uint64_t events_removed = 0;
  std::vector<std::filesystem::path> archives;
};

/// Changes nothing. Blocking; errors: unavailable, storage.
expected<retention_plan> plan_retention(const retention_options& options);

/// Blocking. Errors: unavailable, storage (a file that can't be written, or a lock that was not to be had for minutes),
/// conflict (another run is at work). What an archive holds is on the disk before any of it leaves the database; one
/// gzipped file per week of creation, a JSON object per line. `progress`, if given, hears a sentence now and then.
expected<retention_report> run_retention(const retention_options& options,
                                         const std::function<void(const std::string&)>& progress = {});

} // namespace geartrain
