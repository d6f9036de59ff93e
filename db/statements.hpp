#pragma once

#include "db/pg_values.hpp"

#include <span>
#include <string>
#include <vector>

// Every SQL text of the program stands in statements.cpp or in db/migrations/.

namespace geartrain {

/// The statements of the database actor; each connection prepares them all.
enum class statement_id : std::uint8_t {
  commit_turns,
  create_tasks,
  find_holders,
  sync_claims,
  record_refused,
  read_heads,
  read_attempts,
  read_claims,
  ping,
  lock_templates,
  put_template,
  templates_since,
  template_by_id,
  open_tasks,
  list_page,
  list_count,
  ensure_partitions,
  forget_claims,
};

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

} // namespace blocking_sql

} // namespace geartrain
