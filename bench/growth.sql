-- Adds finished tasks to a database as the engine would have left them: copies of the finished task with the newest id,
-- with ids and times of their own spread over past weeks. Run by bench/growth.py, chunk by chunk:
--
--   psql -v first=1 -v last=100000 -v total=1000000 -v weeks=4 -f growth.sql
--
-- Task number i of `total` was created i/total of the way from `weeks` weeks ago to now. Its identity is taken, too, as if
-- its template were not one whose tasks are always unique.

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT count(geartrain.ensure_partitions(now() - w * interval '1 week')) AS weeks_with_partitions
FROM generate_series(1, :weeks) w;

CREATE TEMP TABLE pattern ON COMMIT DROP AS
SELECT t.task_id, t.created_at FROM geartrain.tasks t WHERE t.closed AND NOT t.ended_otherwise
ORDER BY t.task_id DESC LIMIT 1;

CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT (lpad(to_hex((extract(epoch FROM g.created_at) * 1000)::bigint), 12, '0')
        || '7' || substr(g.hash, 1, 3) || '8' || substr(g.hash, 4, 11) || '0000')::uuid AS task_id,
       g.hash::uuid AS correlation_id, g.number, p.created_at - g.created_at AS age
FROM (SELECT i AS number, md5(i::text) AS hash, now() - :weeks * interval '1 week' * (1 - i::float8 / :total) AS created_at
      FROM generate_series(:first::bigint, :last::bigint) i) g
CROSS JOIN pattern p;

INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, completed_at, due_at, version, steps_total,
                             steps_completed, steps_failed, partition, state, priority, paused, state_since, deadline_at)
SELECT f.task_id, t.template_id, t.created_at - f.age, t.updated_at - f.age, t.completed_at - f.age, t.due_at - f.age,
       t.version, t.steps_total, t.steps_completed, t.steps_failed, f.number % 256, t.state, t.priority, t.paused,
       t.state_since - f.age, t.deadline_at - f.age
FROM geartrain.tasks t CROSS JOIN fresh f WHERE t.task_id = (SELECT p.task_id FROM pattern p);

INSERT INTO geartrain.task_inputs (task_id, context, initiator, source_system, reason, tags, correlation_id,
                                   parent_correlation_id, requested_at, start_at)
SELECT f.task_id, i.context, i.initiator, i.source_system, i.reason, i.tags, f.correlation_id, i.parent_correlation_id,
       i.requested_at - f.age, i.start_at - f.age
FROM geartrain.task_inputs i CROSS JOIN fresh f WHERE i.task_id = (SELECT p.task_id FROM pattern p);

INSERT INTO geartrain.attempts (task_id, step, attempt, version, seq, outcome, lease_nonce, claimed_at, finished_at,
                                next_attempt_at, execution_time_ms, worker, result, error, metadata)
SELECT f.task_id, a.step, a.attempt, a.version, a.seq, a.outcome, a.lease_nonce, a.claimed_at - f.age, a.finished_at - f.age,
       a.next_attempt_at - f.age, a.execution_time_ms, a.worker, a.result, a.error, a.metadata
FROM geartrain.attempts a CROSS JOIN fresh f WHERE a.task_id = (SELECT p.task_id FROM pattern p);

INSERT INTO geartrain.identities (identity_hash, task_id, expires_at)
SELECT sha256(f.task_id::text::bytea), f.task_id, NULL FROM fresh f;

COMMIT;
