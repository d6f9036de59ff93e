-- A turn is known by the key of what it appends: of two turns that follow the same one only the first can be written.
-- Turns that change nothing that others look for then leave the head row alone.

ALTER TABLE geartrain.attempts ADD COLUMN seq integer NOT NULL DEFAULT 0; -- within its turn
UPDATE geartrain.attempts a SET seq = n.seq
FROM (SELECT task_id, step, attempt,
             row_number() OVER (PARTITION BY task_id, version ORDER BY step, attempt) - 1 AS seq
      FROM geartrain.attempts) n
WHERE n.task_id = a.task_id AND n.step = a.step AND n.attempt = a.attempt AND n.seq > 0;
ALTER TABLE geartrain.attempts ALTER COLUMN seq DROP DEFAULT;
ALTER TABLE geartrain.attempts DROP CONSTRAINT attempts_pkey;
ALTER TABLE geartrain.attempts ADD PRIMARY KEY (task_id, version, seq);
