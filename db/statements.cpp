#include "db/statements.hpp"

#include <utility>

// How the statements are written
//
// One statement per operation, its parameters arrays with one element per unit of the batch. Expected conflicts never
// raise an error: a row that loses is missing from the answer. What does raise an error fails the whole batch, and the
// actor splits it.
//
// Tables that are new or small are where the planner goes wrong: it sees one page or ten, joins the array to a scan of
// the whole table, and keeps that generic plan while the table grows. Therefore a keyed table is only ever restricted
// by `key = ANY ($n)` (an index condition) or read by a correlated scalar subquery (never turned into a join), the join
// with the array comes on top of the few rows found, and sequential scans are off for the session (advise_planner_sql).
// tests/db/plans_test.cpp checks the plans for empty and full tables, with fresh and stale statistics.

namespace geartrain {

namespace {

using enum pg_type;

// The compare-and-swap is on the version; `closed` rows are terminal and stay as they are. Outcomes are appended for
// those turns only whose head row moved. An outcome that exists already is a defect of the caller and fails that turn
// as a whole (never silently: the counters of the head row would be wrong).
constexpr auto commit_turns_sql = R"(
WITH given AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
    AS g (task_id, version, state, steps_completed, steps_failed, due_at, completed_at, updated_at)
), moved AS (
  UPDATE geartrain.tasks t
  SET version = t.version + 1, state = g.state, steps_completed = g.steps_completed, steps_failed = g.steps_failed,
      due_at = g.due_at, completed_at = g.completed_at, updated_at = g.updated_at
  FROM given g
  WHERE t.task_id = ANY ($1) AND t.task_id = g.task_id AND t.version = g.version AND NOT t.closed
  RETURNING t.task_id, t.version
), appended AS (
  INSERT INTO geartrain.attempts (task_id, step, attempt, version, outcome, lease_nonce, claimed_at, finished_at,
                                  next_attempt_at, execution_time_ms, worker, result, error, metadata)
  SELECT a.task_id, a.step, a.attempt, m.version, a.outcome, a.lease_nonce, a.claimed_at, a.finished_at,
         a.next_attempt_at, a.execution_time_ms, a.worker, a.result, a.error, a.metadata
  FROM unnest($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
    AS a (task_id, step, attempt, outcome, lease_nonce, claimed_at, finished_at, next_attempt_at, execution_time_ms,
          worker, result, error, metadata)
  JOIN moved m USING (task_id)
)
SELECT task_id FROM moved)";

// `named` waits for a concurrent creation with the same identity and then does nothing. Such a holder is not visible
// to the final SELECT, whose snapshot is older: then `holder` is NULL and the actor asks once more with find_holders.
// Identities are taken in one order everywhere, so that two batches can't wait for each other.
constexpr auto create_tasks_sql = R"(
WITH given AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
    AS g (task_id, partition, template_id, state, priority, steps_total, created_at, identity_hash)
), named AS (
  INSERT INTO geartrain.identities (identity_hash, task_id)
  SELECT identity_hash, task_id FROM given WHERE identity_hash IS NOT NULL ORDER BY identity_hash
  ON CONFLICT (identity_hash) DO NOTHING
  RETURNING task_id
), heads AS (
  INSERT INTO geartrain.tasks (task_id, partition, template_id, state, priority, steps_total, created_at, updated_at)
  SELECT task_id, partition, template_id, state, priority, steps_total, created_at, created_at
  FROM given WHERE identity_hash IS NULL OR task_id IN (SELECT task_id FROM named)
  ON CONFLICT (task_id) DO NOTHING
  RETURNING task_id
), inputs AS (
  INSERT INTO geartrain.task_inputs (task_id, context, initiator, source_system, reason, tags, correlation_id,
                                     parent_correlation_id, requested_at)
  SELECT i.task_id, i.context, i.initiator, i.source_system, i.reason, i.tags::text[], i.correlation_id,
         i.parent_correlation_id, i.requested_at
  FROM unnest($1, $9, $10, $11, $12, $13, $14, $15, $16)
    AS i (task_id, context, initiator, source_system, reason, tags, correlation_id, parent_correlation_id, requested_at)
  WHERE i.task_id IN (SELECT task_id FROM heads)
)
SELECT g.task_id, h.task_id IS NOT NULL AS created,
       (SELECT i.task_id FROM geartrain.identities i WHERE i.identity_hash = g.identity_hash) AS holder
FROM given g LEFT JOIN heads h USING (task_id))";

constexpr auto find_holders_sql = R"(
SELECT identity_hash, task_id FROM geartrain.identities WHERE identity_hash = ANY ($1))";

// The newest claim of an attempt wins; a release removes the claim of its own nonce only. No key is in both lists.
constexpr auto sync_claims_sql = R"(
WITH released AS (
  DELETE FROM geartrain.claims c
  USING unnest($10, $11, $12, $13) AS r (task_id, step, attempt, lease_nonce)
  WHERE c.task_id = ANY ($10) AND c.task_id = r.task_id AND c.step = r.step AND c.attempt = r.attempt
    AND c.lease_nonce = r.lease_nonce
)
INSERT INTO geartrain.claims (task_id, step, attempt, epoch, lease_nonce, claimed_at, token_expires_at, expires_at,
                              worker)
SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (task_id, step, attempt) DO UPDATE
SET epoch = excluded.epoch, lease_nonce = excluded.lease_nonce, claimed_at = excluded.claimed_at,
    token_expires_at = excluded.token_expires_at, expires_at = excluded.expires_at, worker = excluded.worker
WHERE geartrain.claims.claimed_at <= excluded.claimed_at)";

constexpr auto record_refused_sql = R"(
INSERT INTO geartrain.refused_reports (task_id, step, attempt, epoch, lease_nonce, received_at, success, worker)
SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8))";

// A task is read by three statements in one round trip. Each sees its own snapshot, heads the oldest: the reader drops
// attempts of a later version than the head's.
constexpr auto read_heads_sql = R"(
SELECT t.task_id, t.template_id, t.state, t.version, t.steps_total, t.created_at, t.updated_at, t.completed_at,
       t.due_at, t.priority, i.context, i.initiator, i.source_system, i.reason, i.tags, i.correlation_id,
       i.parent_correlation_id, i.requested_at
FROM geartrain.tasks t JOIN geartrain.task_inputs i ON i.task_id = t.task_id
WHERE t.task_id = ANY ($1) AND i.task_id = ANY ($1))";

constexpr auto read_attempts_sql = R"(
SELECT task_id, step, attempt, version, outcome, lease_nonce, claimed_at, finished_at, next_attempt_at,
       execution_time_ms, worker, result, error, metadata
FROM geartrain.attempts WHERE task_id = ANY ($1) ORDER BY task_id, step, attempt)";

constexpr auto read_claims_sql = R"(
SELECT task_id, step, attempt, epoch, lease_nonce, claimed_at, token_expires_at, expires_at, worker
FROM geartrain.claims WHERE task_id = ANY ($1) ORDER BY task_id, step, attempt)";

// Registrations go one after the other, in every node: so activations become visible in their order, and a reader that
// asks for all after the last one it saw misses none.
constexpr auto lock_templates_sql = "SELECT pg_advisory_xact_lock(1195725396, 3)";

constexpr auto put_template_sql = R"(
WITH latest AS (
  SELECT digest FROM geartrain.templates WHERE namespace = $1 AND name = $2 AND version = $3
  ORDER BY activation DESC LIMIT 1
), put AS (
  INSERT INTO geartrain.templates AS t (namespace, name, version, digest, document, activation)
  VALUES ($1, $2, $3, $4, $5, nextval('geartrain.template_activations'))
  ON CONFLICT (namespace, name, version, digest) DO UPDATE
  SET activation = CASE WHEN t.digest = (SELECT digest FROM latest) THEN t.activation ELSE excluded.activation END
  RETURNING id, activation
)
SELECT id, activation, NOT EXISTS (SELECT FROM latest) AS new_version,
       (SELECT digest FROM latest) IS DISTINCT FROM $4 AS changed
FROM put)";

constexpr auto templates_since_sql = R"(
SELECT id, activation, document FROM geartrain.templates WHERE activation > $1 ORDER BY activation)";

constexpr auto template_by_id_sql = "SELECT id, activation, document FROM geartrain.templates WHERE id = $1";

constexpr auto open_tasks_sql = R"(
SELECT task_id FROM geartrain.tasks WHERE NOT closed AND partition = ANY ($1) AND task_id > $2
ORDER BY task_id LIMIT $3)";

// $1 namespace, $2 state, $3 initiator, $4 source system (NULL: any), $5 now: a waiting_for_retry (6) whose time has
// come is steps_in_process (3) already.
const std::string list_filter = R"(
FROM geartrain.tasks t
WHERE ($1 IS NULL OR t.template_id IN (SELECT m.id FROM geartrain.templates m WHERE m.namespace = $1))
  AND ($2 IS NULL OR CASE WHEN t.state = 6 AND t.due_at <= $5 THEN 3 ELSE t.state END = $2)
  AND ($3 IS NULL AND $4 IS NULL
       OR EXISTS (SELECT FROM geartrain.task_inputs i WHERE i.task_id = t.task_id
                  AND ($3 IS NULL OR i.initiator = $3) AND ($4 IS NULL OR i.source_system = $4))))";

const std::vector<pg_type> list_filter_types{text, int2, text, text, timestamptz};

constexpr auto forget_claims_sql = R"(
DELETE FROM geartrain.claims c
WHERE c.expires_at < now() - interval '1 day'
  AND (EXISTS (SELECT FROM geartrain.attempts a
               WHERE a.task_id = c.task_id AND a.step = c.step AND a.attempt = c.attempt)
       OR NOT EXISTS (SELECT FROM geartrain.tasks t WHERE t.task_id = c.task_id AND NOT t.closed)))";

std::vector<statement> build() {
  auto page_types = list_filter_types;
  page_types.insert(page_types.end(), {uuid, int8, int8});
  using id = statement_id;
  return {
    {id::commit_turns,
     "commit_turns",
     commit_turns_sql,
     {uuid_array,        int4_array,        int2_array, int4_array, int4_array, timestamptz_array, timestamptz_array,
      timestamptz_array, uuid_array,        int4_array, int4_array, int2_array, int8_array,        timestamptz_array,
      timestamptz_array, timestamptz_array, int8_array, text_array, text_array, text_array,        text_array}},
    {id::create_tasks,
     "create_tasks",
     create_tasks_sql,
     {uuid_array, int2_array, int8_array, int2_array, int2_array, int4_array, timestamptz_array, bytea_array,
      text_array, text_array, text_array, text_array, text_array, uuid_array, uuid_array, timestamptz_array}},
    {id::find_holders, "find_holders", find_holders_sql, {bytea_array}},
    {id::sync_claims,
     "sync_claims",
     sync_claims_sql,
     {uuid_array, int4_array, int4_array, int8_array, int8_array, timestamptz_array, timestamptz_array,
      timestamptz_array, text_array, uuid_array, int4_array, int4_array, int8_array}},
    {id::record_refused,
     "record_refused",
     record_refused_sql,
     {uuid_array, int4_array, int4_array, int8_array, int8_array, timestamptz_array, bool_array, text_array}},
    {id::read_heads, "read_heads", read_heads_sql, {uuid_array}},
    {id::read_attempts, "read_attempts", read_attempts_sql, {uuid_array}},
    {id::read_claims, "read_claims", read_claims_sql, {uuid_array}},
    {id::ping, "ping", "SELECT 1", {}},
    {id::lock_templates, "lock_templates", lock_templates_sql, {}},
    {id::put_template, "put_template", put_template_sql, {text, text, text, text, text}},
    {id::templates_since, "templates_since", templates_since_sql, {int8}},
    {id::template_by_id, "template_by_id", template_by_id_sql, {int8}},
    {id::open_tasks, "open_tasks", open_tasks_sql, {int2_array, uuid, int8}},
    {id::list_page, "list_page",
     "SELECT t.task_id" + list_filter +
       "\n  AND ($6 IS NULL OR t.task_id < $6)\nORDER BY t.task_id DESC LIMIT $7 OFFSET $8",
     std::move(page_types)},
    {id::list_count, "list_count", "SELECT count(*)" + list_filter, list_filter_types},
    {id::ensure_partitions, "ensure_partitions", "SELECT geartrain.ensure_partitions()", {}},
    {id::forget_claims, "forget_claims", forget_claims_sql, {}},
  };
}

} // namespace

std::span<const statement> statements() {
  static const std::vector<statement> all = build();
  return all;
}

const char* const advise_planner_sql =
  "SELECT set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)";

namespace blocking_sql {

const char* const begin = "BEGIN";
const char* const limit_lock_waits = "SET LOCAL lock_timeout = '10s'";
const char* const lock_schema = "SELECT pg_advisory_xact_lock(1195725396, 1)";
const char* const make_version_table = R"(
CREATE SCHEMA IF NOT EXISTS geartrain;
CREATE TABLE IF NOT EXISTS geartrain.schema_version (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
))";
const char* const read_version = "SELECT coalesce(max(version), 0)::int4 FROM geartrain.schema_version";
const char* const note_version = "INSERT INTO geartrain.schema_version (version, name) VALUES ($1, $2)";
const char* const commit = "COMMIT";
const char* const ensure_partitions = "SELECT geartrain.ensure_partitions()::int4";
const char* const read_token_secret = "SELECT value FROM geartrain.cluster_settings WHERE name = 'token_secret'";

} // namespace blocking_sql

} // namespace geartrain
