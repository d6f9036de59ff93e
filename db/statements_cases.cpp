#include "db/statement_groups.hpp"

// What operators look at: the audit of a step, dead letters, stale tasks. How statements are written: statements.cpp.

namespace geartrain {

namespace {

using enum pg_type;

// -- audit -----------------------------------------------------------------------

constexpr auto audit_head_sql = "SELECT correlation_id FROM geartrain.task_inputs WHERE task_id = $1";

// Ended attempts (1), refused reports (2) and acts (3) of a step, newest first. Decisions (1) and batches (2) among the
// facts are no acts.
constexpr auto audit_rows_sql = R"(
SELECT 1::int2 AS source, a.attempt, a.version, 0 AS seq, a.finished_at AS at, a.outcome AS code, a.lease_nonce,
       a.worker AS who, '' AS reason, a.execution_time_ms, a.next_attempt_at IS NOT NULL AS again,
       coalesce(a.result, a.error) AS data, NULL::int2 AS from_state, NULL::int2 AS to_state
FROM geartrain.attempts a WHERE a.task_id = $1 AND a.step = $2 AND a.outcome > 0
UNION ALL
SELECT 2::int2, r.attempt, 0, 0, r.received_at, r.success::int::int2, r.lease_nonce, r.worker, '', NULL, false, NULL,
       NULL, NULL
FROM geartrain.refused_reports r WHERE r.task_id = $1 AND r.step = $2
UNION ALL
SELECT 3::int2, 0, f.version, f.seq, f.at, f.kind, 0, f.who, f.reason, NULL, false, f.data, f.from_state, f.to_state
FROM geartrain.task_facts f WHERE f.task_id = $1 AND f.step = $2 AND f.kind > 2
ORDER BY at DESC, version DESC, seq DESC, attempt DESC)";

// -- dead letters ------------------------------------------------------------------

const std::string letter_columns = R"(
SELECT d.id, d.task_id, d.reason, d.original_state, d.at, d.status, d.updated_at, d.resolved_at, d.notes, d.resolved_by,
       d.task_snapshot, d.metadata)";

const std::string list_dead_letters_sql = letter_columns + R"(
FROM geartrain.dead_letters d WHERE ($1 IS NULL OR d.status = $1) ORDER BY d.at DESC, d.id DESC LIMIT $2 OFFSET $3)";

const std::string dead_letters_of_sql = letter_columns + R"(
FROM geartrain.dead_letters d
WHERE (d.task_id = $4 OR d.id = $5) AND ($4 IS NULL OR d.task_id = $4) AND ($5 IS NULL OR d.id = $5)
  AND ($1 IS NULL OR d.status = $1)
ORDER BY d.at DESC, d.id DESC LIMIT $2 OFFSET $3)";

constexpr auto add_dead_letter_sql = R"(
INSERT INTO geartrain.dead_letters (task_id, id, reason, original_state, at, updated_at, task_snapshot, metadata)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7)
ON CONFLICT DO NOTHING)";

// A case may not become pending (1) again beside another one of its task.
constexpr auto update_dead_letter_sql = R"(
UPDATE geartrain.dead_letters d
SET status = coalesce($2, d.status), notes = coalesce($3, d.notes), resolved_by = coalesce($4, d.resolved_by),
    metadata = coalesce($5, d.metadata), updated_at = $6,
    resolved_at = CASE WHEN $2 IS NULL THEN d.resolved_at ELSE $6 END
WHERE d.id = $1
  AND ($2 IS DISTINCT FROM 1
       OR NOT EXISTS (SELECT FROM geartrain.dead_letters o WHERE o.task_id = d.task_id AND o.status = 1 AND o.id <> $1)))";

constexpr auto dead_letter_exists_sql = "SELECT 1 FROM geartrain.dead_letters WHERE id = $1";

// What is not resolved yet counts up to now ($1).
constexpr auto dead_letter_stats_sql = R"(
SELECT reason, count(*), count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2),
       count(*) FILTER (WHERE status = 3), count(*) FILTER (WHERE status = 4), min(at), max(at),
       (avg(extract(epoch FROM coalesce(resolved_at, $1) - at)) / 60)::float8
FROM geartrain.dead_letters GROUP BY reason ORDER BY reason)";

// The score is a base by the reason plus the age in minutes. $1: now.
const std::string investigation_queue_sql = letter_columns + R"(,
       coalesce(m.namespace, ''), coalesce(m.name, ''), coalesce(t.state, d.original_state),
       (extract(epoch FROM $1 - coalesce(t.state_since, d.at)) / 60)::float8, d.minutes, d.score
FROM (SELECT l.*, a.minutes, a.minutes + CASE l.reason WHEN 3 THEN 1000 WHEN 2 THEN 500 WHEN 1 THEN 100 WHEN 4 THEN 50
                                         ELSE 10 END AS score
      FROM geartrain.dead_letters l, LATERAL (SELECT (extract(epoch FROM $1 - l.at) / 60)::float8 AS minutes) a
      WHERE l.status = 1 ORDER BY score DESC, l.at LIMIT $2) d
LEFT JOIN LATERAL (SELECT s.state, s.state_since, s.template_id FROM geartrain.tasks s
                   WHERE s.task_id = d.task_id OFFSET 0) t ON true
LEFT JOIN geartrain.templates m ON m.id = t.template_id
ORDER BY d.score DESC, d.at)";

// -- staleness ---------------------------------------------------------------------

// Those that run (3) or wait (5, 6). $1: now; a retry whose time has come runs already.
constexpr auto staleness_sql = R"(
SELECT t.task_id, coalesce(m.namespace, ''), coalesce(m.name, ''),
       CASE WHEN t.state = 6 AND t.due_at <= $1 THEN 3::int2 ELSE t.state END, t.priority, t.created_at, t.state_since,
       t.deadline_at
FROM (SELECT * FROM geartrain.tasks WHERE NOT closed AND state IN (3, 5, 6)
      ORDER BY deadline_at NULLS LAST, task_id LIMIT $2) t
LEFT JOIN geartrain.templates m ON m.id = t.template_id
ORDER BY t.deadline_at NULLS LAST, t.task_id)";

} // namespace

std::vector<statement> statement_groups::cases() {
  using enum pg_type;
  using id = statement_id;
  return {
    {id::audit_head, "audit_head", audit_head_sql, {uuid}},
    {id::audit_rows, "audit_rows", audit_rows_sql, {uuid, int4}},
    {id::list_dead_letters, "list_dead_letters", list_dead_letters_sql, {int2, int8, int8}},
    {id::dead_letters_of, "dead_letters_of", dead_letters_of_sql, {int2, int8, int8, uuid, uuid}},
    {id::add_dead_letter, "add_dead_letter", add_dead_letter_sql, {uuid, uuid, int2, int2, timestamptz, text, text}},
    {id::update_dead_letter, "update_dead_letter", update_dead_letter_sql, {uuid, int2, text, text, text, timestamptz}},
    {id::dead_letter_exists, "dead_letter_exists", dead_letter_exists_sql, {uuid}},
    {id::dead_letter_stats, "dead_letter_stats", dead_letter_stats_sql, {timestamptz}},
    {id::investigation_queue, "investigation_queue", investigation_queue_sql, {timestamptz, int8}},
    {id::staleness, "staleness", staleness_sql, {timestamptz, int8}},
  };
}

} // namespace geartrain
