#pragma once

#include "db/pg_values.hpp"

#include <span>
#include <string>
#include <vector>

// Every SQL text of the program stands in statements*.cpp or in db/migrations/.

namespace geartrain {

/// The statements of the database actor; each connection prepares them all.
enum class statement_id : std::uint8_t {
  append_turns,       ///< turns that append outcomes and leave the head row alone
  commit_turns,       ///< turns of which some write the head row, and which append outcomes only
  commit_full_turns,  ///< the same, and they append anything
  create_plain_tasks, ///< without an identity and not from the inbox; fails if one of them exists
  create_tasks,
  find_holders,
  sync_claims,
  record_refused,
  read_as_of_one_moment,
  read_heads,
  read_attempts,
  read_facts,
  read_checkpoints,
  read_claims,
  ping,
  lock_templates,
  put_template,
  templates_since,
  template_by_id,
  open_tasks,
  overdue_tasks,
  list_page_all,
  list_page_open,
  list_page_ended_otherwise,
  list_page_template,
  list_page_initiator,
  list_page_tags,
  list_page_correlation,
  list_count_all,
  list_count_open,
  list_count_ended_otherwise,
  list_count_template,
  list_count_initiator,
  list_count_tags,
  list_count_correlation,
  audit_head,
  audit_rows,
  list_dead_letters,
  dead_letters_of,
  add_dead_letter,
  update_dead_letter,
  dead_letter_exists,
  dead_letter_stats,
  investigation_queue,
  staleness,
  task_performance,
  step_performance,
  slow_steps,
  slow_tasks,
  tasks_by_state,
  read_events,
  set_pause,
  remove_pause,
  read_pauses,
  read_inbox,
  settle_inbox,
  beat,
  leave,
  touch_tasks,
  ask_drain,
  read_cluster,
  ensure_partitions,
  forget_claims,
};
inline constexpr std::size_t statement_count = static_cast<std::size_t>(statement_id::forget_claims) + 1;

/// A statement under the name by which it is prepared.
struct statement {
  statement_id id;
  std::string name;
  std::string sql;
  std::vector<pg_type> types; ///< of its parameters
};

/// All of them; a statement stands at the index of its id. Built once; thread-safe.
std::span<const statement> statements();

inline const statement& statement_of(statement_id id) {
  return statements()[static_cast<std::size_t>(id)];
}

/// One statement with its bound parameters.
struct statement_call {
  statement_id statement;
  parameters values;
};

/// Sent once on a new connection of the actor, before the statements are prepared. No answer depends on it, but without
/// it a plan made while a table was empty may scan that table when it has grown. A connection pooler in transaction
/// mode loses it: there, set enable_seqscan and jit for the role instead.
extern const char* const advise_planner_sql;

/// What the migration and the start of a node run on a connection of their own.
namespace blocking_sql {

extern const char* const begin;
extern const char* const limit_lock_waits;
extern const char* const lock_schema;
extern const char* const make_version_table;
extern const char* const read_version;
extern const char* const note_version; ///< int4, text
extern const char* const commit;
extern const char* const ensure_partitions;
extern const char* const read_token_secret;
extern const char* const read_authority;  ///< one row: certificate, key; NULL: none
extern const char* const store_authority; ///< text certificate, text key
extern const char* const listen_inbox;
extern const char* const listen_to_inbox;

// -- for who measures a server (statements_bench.cpp)

extern const char* const drop_bench_database;
extern const char* const create_bench_database;
extern const char* const checkpoint;
extern const char* const wal_position;
extern const char* const server_version;
extern const char* const backend_pid;

} // namespace blocking_sql

} // namespace geartrain
