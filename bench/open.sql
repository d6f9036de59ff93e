-- Adds open tasks to a database that wait for a worker which does not come: as the engine would have created them, with the
-- input of the newest finished task, in a template of their own in the namespace "parked". Run by bench/growth.py, chunk by chunk:
--
--   psql -v first=1 -v last=100000 -f open.sql

BEGIN;
SET LOCAL client_min_messages = warning;

CREATE TEMP TABLE pattern ON COMMIT DROP AS
SELECT t.task_id, t.template_id FROM geartrain.tasks t WHERE t.closed AND NOT t.ended_otherwise
ORDER BY t.task_id DESC LIMIT 1;

INSERT INTO geartrain.templates (namespace, name, version, digest, document, activation)
SELECT 'parked', m.name, m.version, m.digest, regexp_replace(m.document, '"namespace_name":"[^"]*"', '"namespace_name":"parked"'),
       (SELECT max(activation) + 1 FROM geartrain.templates)
FROM geartrain.templates m JOIN pattern p ON m.id = p.template_id
ON CONFLICT DO NOTHING;

CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')
        || '7' || substr(g.hash, 1, 3) || '8' || substr(g.hash, 4, 11) || '0000')::uuid AS task_id,
       g.hash::uuid AS correlation_id, g.number
FROM (SELECT i AS number, md5('open ' || i) AS hash FROM generate_series(:first::bigint, :last::bigint) i) g;

INSERT INTO geartrain.tasks (task_id, template_id, created_at, updated_at, version, steps_total, steps_completed, steps_failed,
                             partition, state, priority, paused, state_since)
SELECT f.task_id, m.id, now(), now(), 0, t.steps_total, 0, 0, f.number % 256, 3, t.priority, false, now()
FROM pattern p JOIN geartrain.tasks t USING (task_id)
CROSS JOIN (SELECT id FROM geartrain.templates WHERE namespace = 'parked') m CROSS JOIN fresh f;

INSERT INTO geartrain.task_inputs (task_id, context, initiator, source_system, reason, tags, correlation_id,
                                   parent_correlation_id, requested_at)
SELECT f.task_id, i.context, i.initiator, i.source_system, i.reason, i.tags, f.correlation_id, i.parent_correlation_id, now()
FROM geartrain.task_inputs i CROSS JOIN fresh f WHERE i.task_id = (SELECT p.task_id FROM pattern p);

COMMIT;
