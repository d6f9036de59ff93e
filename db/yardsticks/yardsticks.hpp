#pragma once

#include "messages/expected.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// What the results of a benchmark are ratios of: the most that the database could take, and what it takes when it is
// used as the reference engine does. Measured in the same run, on the same server, so that machines drop out.
//
// Everything happens in a schema `geartrain_yardstick` of its own, made and dropped by each call; a database without
// Geartrain's schema will do. All calls block, for about `seconds`. One at a time per database: a second one gets
// errc::conflict. Thread-safe.

namespace geartrain {

struct yardstick_options {
  double seconds = 4;      ///< measured time, after a warm-up of a tenth of it; the reference pattern divides it by two
  int connections = 2;     ///< of the limit; the reference pattern chooses for itself
  int batch = 256;         ///< turns per statement of the limit; the reference pattern knows no batches
  int context_bytes = 200; ///< as large as those of the workload that is compared; 7 at least
  int result_bytes = 64;
  std::function<std::uint64_t()> server_cpu_us; ///< CPU time of all server processes so far; absent: not measured
};

/// One number of connections that was tried.
struct yardstick_trial {
  int connections = 0;
  double steps_per_second = 0;
};

struct yardstick_result {
  double steps_per_second = 0;
  std::uint64_t steps = 0;           ///< in the measured time
  double statements_per_step = 0;    ///< without BEGIN and COMMIT, creations included
  double server_cpu_us_per_step = 0; ///< 0: not measured
  double wal_bytes_per_step = 0;     ///< of the whole server
  double commit_latency_p50_ms = 0;  ///< wait of a client for a statement of the limit, for a COMMIT of the reference
  int connections = 0;
  std::vector<yardstick_trial> trials; ///< all that were tried; the rest of the result is that of the best
};

/// The physical limit: the rows of tasks of four steps in a row, written with nothing around it.
///
/// Each connection makes `batch` tasks with one statement (head row and input, as for a template whose tasks are always
/// unique), then moves all of them four times with one statement each: the head row is updated, WHERE task_id = ANY,
/// and a row of `attempts` is appended. So one creation is counted in with each four steps, five statements for four
/// times `batch` steps. Columns, values, fillfactor and autovacuum are those of the engine's tables, the statements are
/// prepared, the parameters binary arrays, the commits synchronous.
///
/// Left out, because the rows could be written without it: the comparison with the expected version, the indexes for
/// searches and for open tasks, partitions, and everything that decides what to write. The parameters are encoded once,
/// only the ids change.
///
/// Errors: unavailable, storage, conflict, invalid (options out of range).
expected<yardstick_result> measure_physical_limit(const std::string& dsn, const yardstick_options& options);

/// The pattern of the reference engine: tasks of four steps in a row, on its shapes of tables with the indexes that it
/// can't do without, every statement prepared and a round trip of its own.
///
/// Per step about 20 statements in 8 or more transactions: the worker reads the step and the results of its ancestors,
/// moves the step to in_progress, counts the attempt, moves it to enqueued_for_orchestration, stores the result; the
/// orchestrator reads it, moves the step to complete, flags it, moves the task to evaluating_results, looks for ready
/// steps over the edges, and moves the task, the next step and the task again; or completes the task. A move clears the
/// most recent transition and appends one, in a transaction of its own. Each task is created row by row in one
/// transaction and its first step enqueued, about 7 statements for each of its steps.
///
/// Left out in its favour: its queues and notifications, repeated reads of what it has just read, checks whose results
/// it does not use, secondary indexes. Tried with 1 and with 8 connections; the better counts.
///
/// Errors: unavailable, storage, conflict, invalid.
expected<yardstick_result> measure_reference_pattern(const std::string& dsn, const yardstick_options& options);

/// Median of synchronous commits of one row each, one at a time on one connection, in milliseconds; takes about a
/// second at most. Errors: unavailable, storage, conflict.
expected<double> measure_commit_latency_ms(const std::string& dsn);

} // namespace geartrain
