-- What happened is appended and never changed: task_inputs, attempts, refused_reports. The one row that changes is the
-- narrow head row in tasks. No foreign keys: every row is written by a statement that also checks or writes what it
-- belongs to.

CREATE SEQUENCE geartrain.template_activations;

CREATE TABLE geartrain.templates (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  version text NOT NULL,
  digest text NOT NULL,
  document text NOT NULL,
  activation bigint NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (namespace, name, version, digest)
);
CREATE INDEX templates_activation ON geartrain.templates (activation);

-- Head rows. `closed` exists for the index below: an index that names a column, even in its predicate, makes every
-- update of that column a non-HOT one. `closed` changes once in the life of a task, `state` more often.
CREATE TABLE geartrain.tasks (
  task_id uuid PRIMARY KEY,
  template_id bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  completed_at timestamptz,
  due_at timestamptz,
  version integer NOT NULL DEFAULT 0,
  steps_total integer NOT NULL,
  steps_completed integer NOT NULL DEFAULT 0,
  steps_failed integer NOT NULL DEFAULT 0,
  partition smallint NOT NULL,
  state smallint NOT NULL,
  priority smallint NOT NULL,
  closed boolean NOT NULL GENERATED ALWAYS AS (state >= 8) STORED
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX tasks_open ON geartrain.tasks (task_id, partition) WHERE NOT closed;

CREATE TABLE geartrain.task_inputs (
  task_id uuid NOT NULL,
  context text NOT NULL,
  initiator text NOT NULL,
  source_system text NOT NULL,
  reason text NOT NULL,
  tags text[] NOT NULL,
  correlation_id uuid NOT NULL,
  parent_correlation_id uuid,
  requested_at timestamptz NOT NULL,
  PRIMARY KEY (task_id)
) PARTITION BY RANGE (task_id);
CREATE TABLE geartrain.task_inputs_default PARTITION OF geartrain.task_inputs DEFAULT;

CREATE TABLE geartrain.attempts (
  task_id uuid NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  version integer NOT NULL, -- of the turn that wrote it
  outcome smallint NOT NULL,
  lease_nonce bigint NOT NULL,
  claimed_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  next_attempt_at timestamptz,
  execution_time_ms bigint,
  worker text NOT NULL,
  result text,
  error text,
  metadata text,
  PRIMARY KEY (task_id, step, attempt)
) PARTITION BY RANGE (task_id);
CREATE TABLE geartrain.attempts_default PARTITION OF geartrain.attempts DEFAULT;

-- Results that came with an outdated token.
CREATE TABLE geartrain.refused_reports (
  task_id uuid NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  epoch bigint NOT NULL,
  lease_nonce bigint NOT NULL,
  received_at timestamptz NOT NULL,
  success boolean NOT NULL,
  worker text NOT NULL
) PARTITION BY RANGE (task_id);
CREATE INDEX refused_reports_task ON geartrain.refused_reports (task_id);
CREATE TABLE geartrain.refused_reports_default PARTITION OF geartrain.refused_reports DEFAULT;

-- Steps held for longer than a moment. Few rows that come and go, so one table.
CREATE TABLE geartrain.claims (
  task_id uuid NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  epoch bigint NOT NULL,
  lease_nonce bigint NOT NULL,
  claimed_at timestamptz NOT NULL,
  token_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  worker text NOT NULL,
  PRIMARY KEY (task_id, step, attempt)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- One holder for each identity, over all partitions.
CREATE TABLE geartrain.identities (
  identity_hash bytea PRIMARY KEY,
  task_id uuid NOT NULL,
  expires_at timestamptz
) WITH (autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 500);

CREATE TABLE geartrain.cluster_settings (
  name text PRIMARY KEY,
  value text NOT NULL
);
INSERT INTO geartrain.cluster_settings (name, value)
VALUES ('token_secret', encode(sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea), 'hex'));
