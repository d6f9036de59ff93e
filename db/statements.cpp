#include "db/statement_groups.hpp"

#include <algorithm>
#include <iterator>

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
//
// A join with the array can go wrong in another way: where statistics say that next to no row passes the conditions, the
// planner thinks of one and goes through the whole array for each, which grows with the square of the batch. Where that
// could happen, as for turns (nearly all tasks are closed), `t.key = ANY (ARRAY[g.key])` leaves no other plan than a look
// into the index of the key for each element.
//
// tests/db/plans_test.cpp checks the plans for empty and full tables, with fresh and stale statistics.

namespace geartrain {

namespace {

using enum pg_type;

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

constexpr auto read_events_sql = R"(
SELECT position, task_id, namespace, step, name, delivery, at, payload FROM geartrain.events_after($1, $2, $3))";

constexpr auto set_pause_sql = R"(
INSERT INTO geartrain.pauses (namespace, template_name, who, reason, since) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING)";

constexpr auto remove_pause_sql = "DELETE FROM geartrain.pauses WHERE namespace = $1 AND template_name = $2";

constexpr auto read_pauses_sql = R"(
SELECT namespace, template_name, who, reason, since FROM geartrain.pauses ORDER BY namespace, template_name)";

constexpr auto read_inbox_sql = R"(
SELECT id, namespace, name, version, context, options, requested_at FROM geartrain.task_requests
ORDER BY requested_at, id LIMIT $1)";

// The letter ($2: its id, NULL: none) is written by whoever takes the request away.
constexpr auto settle_inbox_sql = R"(
WITH gone AS (
  DELETE FROM geartrain.task_requests WHERE id = $1 RETURNING id
), opened AS (
  INSERT INTO geartrain.dead_letters (id, reason, original_state, at, updated_at, task_snapshot, metadata)
  SELECT $2, $3, $4, $5, $5, $6, $7 FROM gone WHERE $2 IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT id FROM gone)";

constexpr auto forget_claims_sql = R"(
DELETE FROM geartrain.claims c
WHERE c.expires_at < now() - interval '1 day'
  AND (EXISTS (SELECT FROM geartrain.attempts a
               WHERE a.task_id = c.task_id AND a.step = c.step AND a.attempt = c.attempt)
       OR NOT EXISTS (SELECT FROM geartrain.tasks t WHERE t.task_id = c.task_id AND NOT t.closed)))";

} // namespace

std::vector<statement> statement_groups::templates() {
  using enum pg_type;
  using id = statement_id;
  return {
    {id::ping, "ping", "SELECT 1", {}},
    {id::lock_templates, "lock_templates", lock_templates_sql, {}},
    {id::put_template, "put_template", put_template_sql, {text, text, text, text, text}},
    {id::templates_since, "templates_since", templates_since_sql, {int8}},
    {id::template_by_id, "template_by_id", template_by_id_sql, {int8}},
    {id::read_events, "read_events", read_events_sql, {int8, text, int8}},
    {id::set_pause, "set_pause", set_pause_sql, {text, text, text, text, timestamptz}},
    {id::remove_pause, "remove_pause", remove_pause_sql, {text, text}},
    {id::read_pauses, "read_pauses", read_pauses_sql, {}},
    {id::read_inbox, "read_inbox", read_inbox_sql, {int8}},
    {id::settle_inbox, "settle_inbox", settle_inbox_sql, {uuid, uuid, int2, int2, timestamptz, text, text}},
    {id::ensure_partitions, "ensure_partitions", "SELECT geartrain.ensure_partitions()", {}},
    {id::forget_claims, "forget_claims", forget_claims_sql, {}},
  };
}

namespace {

std::vector<statement> build() {
  std::vector<statement> all;
  for (auto group : {statement_groups::turns, statement_groups::tasks, statement_groups::cases,
                     statement_groups::figures, statement_groups::templates, statement_groups::cluster})
    std::ranges::move(group(), std::back_inserter(all));
  std::ranges::sort(all, {}, &statement::id);
  return all;
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
const char* const listen_to_inbox = "LISTEN geartrain_inbox";
const char* const read_token_secret = "SELECT value FROM geartrain.cluster_settings WHERE name = 'token_secret'";
const char* const read_authority = R"(
SELECT (SELECT value FROM geartrain.cluster_settings WHERE name = 'authority_certificate'),
       (SELECT value FROM geartrain.cluster_settings WHERE name = 'authority_key'))";

// Both rows or none: whoever comes second waits at the first row and then does nothing.
const char* const store_authority = R"(
INSERT INTO geartrain.cluster_settings (name, value) VALUES ('authority_certificate', $1), ('authority_key', $2)
ON CONFLICT DO NOTHING)";

const char* const listen_inbox = "LISTEN geartrain_inbox";

} // namespace blocking_sql

} // namespace geartrain
