#include "db/retention_statements.hpp"

namespace geartrain::retention_sql {

const char* const try_lock = "SELECT pg_try_advisory_lock(1195725396, 4)";
const char* const unlock = "SELECT pg_advisory_unlock(1195725396, 4)";

// Weeks before $1 that have partitions, or tasks which have ended before $2.
const char* const weeks = R"(
WITH counted AS (
  SELECT date_trunc('week', to_timestamp(('x' || lpad(left(replace(task_id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
                                         / 1000.0) AT TIME ZONE 'UTC')::date AS week,
         count(*) FILTER (WHERE closed AND coalesce(completed_at, updated_at) < $2) AS finished,
         count(*) FILTER (WHERE NOT closed OR coalesce(completed_at, updated_at) >= $2) AS remaining
  FROM geartrain.tasks WHERE task_id < $1 GROUP BY 1
), parts AS (
  SELECT p.week, p.bytes FROM geartrain.partitioned_weeks() p WHERE geartrain.first_id_of(p.week) < $1
)
SELECT to_char(week, 'YYYY-MM-DD'), coalesce(c.finished, 0), coalesce(c.remaining, 0), coalesce(p.bytes, 0)
FROM counted c FULL JOIN parts p USING (week) WHERE c.finished > 0 OR p.bytes IS NOT NULL ORDER BY week)";

// One line for each task: everything that was recorded of it. $4 to $8: the names of task states, step states, outcomes,
// kinds of facts, and reasons of dead letters, by number from 0. A line break can only stand between the parts of a JSON
// text.
const char* const archive_page = R"(
SELECT t.task_id, translate(json_build_object(
  'task_uuid', t.task_id, 'namespace', m.namespace, 'name', m.name, 'version', m.version, 'template_digest', m.digest,
  'status', ($4::text[])[t.state + 1], 'created_at', t.created_at, 'updated_at', t.updated_at,
  'completed_at', t.completed_at, 'total_steps', t.steps_total, 'completed_steps', t.steps_completed,
  'failed_steps', t.steps_failed, 'priority', t.priority, 'context', i.context::json, 'initiator', i.initiator,
  'source_system', i.source_system, 'reason', i.reason, 'tags', i.tags, 'correlation_id', i.correlation_id,
  'parent_correlation_id', i.parent_correlation_id, 'requested_at', i.requested_at, 'start_at', i.start_at,
  'attempts', (SELECT coalesce(json_agg(json_build_object(
      'step', a.step, 'attempt', a.attempt, 'turn', a.version, 'outcome', ($6::text[])[a.outcome + 1],
      'claimed_at', a.claimed_at, 'finished_at', a.finished_at, 'next_attempt_at', a.next_attempt_at,
      'execution_time_ms', a.execution_time_ms, 'worker_id', a.worker, 'result', a.result::json,
      'error', a.error::json, 'metadata', a.metadata::json) ORDER BY a.step, a.attempt), '[]')
    FROM geartrain.attempts a WHERE a.task_id = t.task_id AND a.outcome > 0),
  'facts', (SELECT coalesce(json_agg(json_build_object(
      'turn', f.version, 'kind', ($7::text[])[f.kind + 1], 'step', f.step, 'at', f.at, 'who', f.who,
      'reason', f.reason, 'from_state', ($5::text[])[f.from_state + 1], 'to_state', ($5::text[])[f.to_state + 1],
      'data', f.data::json) ORDER BY f.version, f.seq), '[]')
    FROM geartrain.task_facts f WHERE f.task_id = t.task_id),
  'checkpoints', (SELECT coalesce(json_agg(json_build_object(
      'step', c.step, 'attempt', c.attempt, 'turn', c.version, 'at', c.at, 'data', c.data::json) ORDER BY c.step), '[]')
    FROM geartrain.checkpoints c WHERE c.task_id = t.task_id),
  'refused_reports', (SELECT coalesce(json_agg(json_build_object(
      'step', r.step, 'attempt', r.attempt, 'received_at', r.received_at, 'success', r.success,
      'worker_id', r.worker) ORDER BY r.received_at), '[]')
    FROM geartrain.refused_reports r WHERE r.task_id = t.task_id),
  'dead_letters', (SELECT coalesce(json_agg(json_build_object(
      'dlq_entry_uuid', d.id, 'dlq_reason', ($8::text[])[d.reason + 1],
      'original_state', ($4::text[])[d.original_state + 1], 'at', d.at, 'resolved_at', d.resolved_at, 'notes', d.notes,
      'resolved_by', d.resolved_by, 'task_snapshot', d.task_snapshot::json, 'metadata', d.metadata::json)
      ORDER BY d.at), '[]')
    FROM geartrain.dead_letters d WHERE d.task_id = t.task_id))::text, E'\n\r', '  ')
FROM (SELECT * FROM geartrain.tasks
      WHERE task_id > $1 AND task_id < $2 AND closed AND coalesce(completed_at, updated_at) < $3
      ORDER BY task_id LIMIT $9) t
LEFT JOIN geartrain.task_inputs i ON i.task_id = t.task_id
LEFT JOIN geartrain.templates m ON m.id = t.template_id
ORDER BY t.task_id)";

// A page of those that have ended, after $4; what an operator revives meanwhile stays.
const char* const remove_heads = R"(
WITH page AS (
  SELECT task_id FROM geartrain.tasks
  WHERE task_id > $4 AND task_id < $1 AND closed AND coalesce(completed_at, updated_at) < $2
  ORDER BY task_id LIMIT $3
), gone AS (
  DELETE FROM geartrain.tasks t
  WHERE t.task_id = ANY (ARRAY(SELECT task_id FROM page)) AND t.closed AND coalesce(t.completed_at, t.updated_at) < $2
  RETURNING t.task_id
), letters AS (
  DELETE FROM geartrain.dead_letters d WHERE d.task_id IN (SELECT task_id FROM gone)
)
SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM gone),
       (SELECT task_id FROM page ORDER BY task_id DESC LIMIT 1))";

const char* const drop_week = "SELECT geartrain.drop_week(to_date($1, 'YYYY-MM-DD'))";

const char* const sweep_defaults = "SELECT geartrain.sweep_default_partitions($1, $2)";

// Identities have no index by task: this walks through them in the order of their own key, a page at a time.
const char* const sweep_identities = R"(
WITH page AS (
  SELECT identity_hash, task_id FROM geartrain.identities WHERE identity_hash > $1 ORDER BY identity_hash LIMIT $3
), gone AS (
  DELETE FROM geartrain.identities i
  WHERE i.identity_hash = ANY (ARRAY(SELECT p.identity_hash FROM page p
                                     WHERE p.task_id < $2
                                       AND NOT EXISTS (SELECT FROM geartrain.tasks t WHERE t.task_id = p.task_id)))
    AND i.task_id < $2
  RETURNING 1
)
SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM gone),
       (SELECT p.identity_hash FROM page p ORDER BY p.identity_hash DESC LIMIT 1))";

// Cases without a task that are settled.
const char* const sweep_letters = R"(
DELETE FROM geartrain.dead_letters WHERE task_id IS NULL AND status <> 1 AND updated_at < $1)";

// Oldest first, up to the first that is young.
const char* const remove_events = R"(
WITH page AS (
  SELECT position, at FROM geartrain.domain_events ORDER BY position LIMIT $2
)
DELETE FROM geartrain.domain_events e
WHERE e.position = ANY (ARRAY(SELECT p.position FROM page p WHERE p.at < $1)))";

} // namespace geartrain::retention_sql
