#include "db/yardsticks/reference_statements.hpp"

#include <array>

// The state of a task or step is the to_state of its transition that is flagged as the most recent.

namespace geartrain {

const char* const reference_tables_sql = R"(
CREATE TABLE geartrain_yardstick.reference_tasks (
  task_uuid uuid PRIMARY KEY,
  named_task_uuid uuid NOT NULL,
  complete boolean NOT NULL DEFAULT false,
  requested_at timestamp NOT NULL,
  completed_at timestamp,
  initiator varchar(128),
  source_system varchar(128),
  reason varchar(128),
  tags jsonb,
  context jsonb,
  identity_hash varchar(128) NOT NULL UNIQUE,
  priority integer NOT NULL DEFAULT 0,
  correlation_id uuid NOT NULL,
  parent_correlation_id uuid,
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now()
);
CREATE TABLE geartrain_yardstick.named_steps (
  named_step_uuid uuid PRIMARY KEY,
  name varchar(128) NOT NULL UNIQUE,
  description varchar(255),
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now()
);
INSERT INTO geartrain_yardstick.named_steps (named_step_uuid, name)
SELECT gen_random_uuid(), 'step_' || i FROM generate_series(1, 4) i;
CREATE TABLE geartrain_yardstick.workflow_steps (
  workflow_step_uuid uuid PRIMARY KEY,
  task_uuid uuid NOT NULL REFERENCES geartrain_yardstick.reference_tasks,
  named_step_uuid uuid NOT NULL REFERENCES geartrain_yardstick.named_steps,
  retryable boolean NOT NULL DEFAULT true,
  max_attempts integer DEFAULT 3,
  in_process boolean NOT NULL DEFAULT false,
  processed boolean NOT NULL DEFAULT false,
  processed_at timestamp,
  attempts integer,
  last_attempted_at timestamp,
  backoff_request_seconds integer,
  inputs jsonb,
  results jsonb,
  priority integer DEFAULT 0,
  checkpoint jsonb,
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now(),
  UNIQUE (task_uuid, named_step_uuid)
);
CREATE TABLE geartrain_yardstick.workflow_step_edges (
  edge_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  from_step_uuid uuid NOT NULL REFERENCES geartrain_yardstick.workflow_steps,
  to_step_uuid uuid NOT NULL REFERENCES geartrain_yardstick.workflow_steps,
  name varchar(64) NOT NULL,
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now(),
  UNIQUE (from_step_uuid, to_step_uuid, name)
);
CREATE INDEX edges_to ON geartrain_yardstick.workflow_step_edges (to_step_uuid);
CREATE TABLE geartrain_yardstick.workflow_step_transitions (
  transition_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workflow_step_uuid uuid NOT NULL REFERENCES geartrain_yardstick.workflow_steps,
  to_state varchar NOT NULL,
  from_state varchar,
  metadata jsonb,
  sort_key integer NOT NULL,
  most_recent boolean NOT NULL,
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX step_transitions_most_recent
  ON geartrain_yardstick.workflow_step_transitions (workflow_step_uuid) WHERE most_recent;
CREATE INDEX step_transitions_order
  ON geartrain_yardstick.workflow_step_transitions (workflow_step_uuid, sort_key);
CREATE TABLE geartrain_yardstick.task_transitions (
  transition_uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  task_uuid uuid NOT NULL REFERENCES geartrain_yardstick.reference_tasks,
  to_state varchar NOT NULL,
  from_state varchar,
  metadata jsonb,
  transition_metadata jsonb,
  sort_key integer NOT NULL,
  most_recent boolean NOT NULL,
  processor_uuid uuid,
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamp NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX task_transitions_most_recent
  ON geartrain_yardstick.task_transitions (task_uuid) WHERE most_recent;
CREATE INDEX task_transitions_order ON geartrain_yardstick.task_transitions (task_uuid, sort_key);
)";

namespace {

constexpr std::array all{
  // -- creation ------------------------------------------------------------------
  named_sql{"insert_task", R"(
INSERT INTO geartrain_yardstick.reference_tasks (task_uuid, named_task_uuid, requested_at, initiator, source_system,
                                                 reason, tags, context, identity_hash, correlation_id)
VALUES ($1::uuid, $1, now(), 'bench', 'yardstick', 'a task of four steps', '[]', $2::text::jsonb,
        encode(sha256($1::text::bytea), 'hex'), $1))"},
  named_sql{"find_named_step",
            "SELECT named_step_uuid FROM geartrain_yardstick.named_steps WHERE name = 'step_' || $1::int4"},
  named_sql{"insert_step", R"(
INSERT INTO geartrain_yardstick.workflow_steps (workflow_step_uuid, task_uuid, named_step_uuid, inputs)
VALUES ($1::uuid, $2::uuid, $3::uuid, '{"of": "the step before"}'))"},
  named_sql{"insert_edge", R"(
INSERT INTO geartrain_yardstick.workflow_step_edges (from_step_uuid, to_step_uuid, name)
VALUES ($1::uuid, $2::uuid, 'provides'))"},

  // -- moves ---------------------------------------------------------------------
  named_sql{"clear_step", R"(
UPDATE geartrain_yardstick.workflow_step_transitions SET most_recent = false, updated_at = now()
WHERE workflow_step_uuid = $1::uuid AND most_recent)"},
  named_sql{"append_step", R"(
INSERT INTO geartrain_yardstick.workflow_step_transitions (workflow_step_uuid, from_state, to_state, metadata, sort_key,
                                                           most_recent)
SELECT $1::uuid, $2::text, $3::text,
       jsonb_build_object('event', $3::text, 'timestamp', now(), 'worker_id', 'worker-1', 'correlation_id', $1::uuid),
       coalesce(max(sort_key), 0) + 1, true
FROM geartrain_yardstick.workflow_step_transitions WHERE workflow_step_uuid = $1)"},
  named_sql{"clear_task", R"(
UPDATE geartrain_yardstick.task_transitions SET most_recent = false, updated_at = now()
WHERE task_uuid = $1::uuid AND most_recent)"},
  named_sql{"append_task", R"(
INSERT INTO geartrain_yardstick.task_transitions (task_uuid, from_state, to_state, metadata, transition_metadata,
                                                  sort_key, most_recent, processor_uuid)
SELECT $1::uuid, $2::text, $3::text, jsonb_build_object('event', $3::text, 'timestamp', now()), '{}',
       coalesce(max(sort_key), 0) + 1, true, $1
FROM geartrain_yardstick.task_transitions WHERE task_uuid = $1)"},

  // -- the worker ----------------------------------------------------------------
  named_sql{"read_step", R"(
SELECT s.attempts, s.max_attempts, s.inputs::text, n.name, t.context::text, t.correlation_id, m.to_state::text
FROM geartrain_yardstick.workflow_steps s
JOIN geartrain_yardstick.named_steps n USING (named_step_uuid)
JOIN geartrain_yardstick.reference_tasks t USING (task_uuid)
LEFT JOIN geartrain_yardstick.workflow_step_transitions m
  ON m.workflow_step_uuid = s.workflow_step_uuid AND m.most_recent
WHERE s.workflow_step_uuid = $1::uuid)"},
  named_sql{"read_ancestors", R"(
WITH RECURSIVE above AS (
  SELECT e.from_step_uuid AS step_uuid, 1 AS depth
  FROM geartrain_yardstick.workflow_step_edges e WHERE e.to_step_uuid = $1::uuid
  UNION ALL
  SELECT e.from_step_uuid, a.depth + 1
  FROM above a JOIN geartrain_yardstick.workflow_step_edges e ON e.to_step_uuid = a.step_uuid WHERE a.depth < 50
)
SELECT n.name, s.results::text
FROM (SELECT DISTINCT step_uuid FROM above) a
JOIN geartrain_yardstick.workflow_steps s ON s.workflow_step_uuid = a.step_uuid
JOIN geartrain_yardstick.named_steps n USING (named_step_uuid)
WHERE s.processed AND s.results IS NOT NULL)"},
  named_sql{"count_attempt", R"(
UPDATE geartrain_yardstick.workflow_steps
SET in_process = true, attempts = coalesce(attempts, 0) + 1, last_attempted_at = now(), updated_at = now()
WHERE workflow_step_uuid = $1::uuid)"},
  named_sql{"store_result", R"(
UPDATE geartrain_yardstick.workflow_steps SET in_process = false, results = $2::text::jsonb, updated_at = now()
WHERE workflow_step_uuid = $1::uuid)"},

  // -- the orchestrator ----------------------------------------------------------
  named_sql{"read_result", R"(
SELECT s.results::text, s.task_uuid, t.correlation_id, m.to_state::text
FROM geartrain_yardstick.workflow_steps s
JOIN geartrain_yardstick.reference_tasks t USING (task_uuid)
LEFT JOIN geartrain_yardstick.workflow_step_transitions m
  ON m.workflow_step_uuid = s.workflow_step_uuid AND m.most_recent
WHERE s.workflow_step_uuid = $1::uuid)"},
  named_sql{"flag_step", R"(
UPDATE geartrain_yardstick.workflow_steps
SET processed = true, in_process = false, processed_at = now(), updated_at = now()
WHERE workflow_step_uuid = $1::uuid)"},
  named_sql{"find_ready", R"(
SELECT s.workflow_step_uuid, n.name, coalesce(m.to_state, 'pending')::text AS state,
       coalesce(m.to_state, 'pending') IN ('pending', 'waiting_for_retry') AND NOT s.processed AND NOT s.in_process
         AND coalesce(p.parents, 0) = coalesce(p.done, 0)
         AND (coalesce(s.attempts, 0) = 0 OR s.retryable AND s.attempts < coalesce(s.max_attempts, 3))
         AND (s.backoff_request_seconds IS NULL
              OR s.last_attempted_at + s.backoff_request_seconds * interval '1 second' <= now()) AS ready
FROM geartrain_yardstick.workflow_steps s
JOIN geartrain_yardstick.named_steps n USING (named_step_uuid)
LEFT JOIN geartrain_yardstick.workflow_step_transitions m
  ON m.workflow_step_uuid = s.workflow_step_uuid AND m.most_recent
LEFT JOIN LATERAL (
  SELECT count(*) AS parents, count(*) FILTER (WHERE pm.to_state IN ('complete', 'resolved_manually')) AS done
  FROM geartrain_yardstick.workflow_step_edges e
  LEFT JOIN geartrain_yardstick.workflow_step_transitions pm
    ON pm.workflow_step_uuid = e.from_step_uuid AND pm.most_recent
  WHERE e.to_step_uuid = s.workflow_step_uuid
) p ON true
WHERE s.task_uuid = $1::uuid)"},
  named_sql{"flag_task", R"(
UPDATE geartrain_yardstick.reference_tasks SET complete = true, updated_at = now() WHERE task_uuid = $1::uuid)"},
};

} // namespace

std::span<const named_sql> reference_statements() {
  return all;
}

} // namespace geartrain
