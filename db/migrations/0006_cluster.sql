-- Which nodes there are and which of them owns which partition. Correctness never depends on it: turns are told apart by
-- the keys of what they append. Nothing here is indexed that a beat changes, so beats are HOT updates.

-- One row for each life of a node, renewed with each beat. Few rows that change all the time: most of a page stays free
-- for new versions, and old ones are cleared away early.
CREATE TABLE geartrain.nodes (
  id uuid PRIMARY KEY,
  joined_at timestamptz NOT NULL,
  beat_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL, -- by the clock of the database; from then on the node counts as gone
  pid bigint NOT NULL,
  started bigint NOT NULL,
  wire integer NOT NULL,
  draining boolean NOT NULL,
  drain_asked boolean NOT NULL DEFAULT false, -- by somebody else; the node answers by `draining`
  name text NOT NULL,
  address text NOT NULL,
  url text NOT NULL,
  host text NOT NULL
) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- One row for each partition, written only when it changes hands, which is a compare-and-swap on its term.
CREATE TABLE geartrain.partition_leases (
  partition smallint PRIMARY KEY,
  owner uuid, -- NULL: nobody
  term bigint NOT NULL DEFAULT 0,
  since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
INSERT INTO geartrain.partition_leases (partition) SELECT generate_series(0, 255);

-- Tasks in which another node than the owner of their partition made turns; removed when the owner is told. The partition
-- follows from the id, so the key is that of the task, in the order in which an owner looks for it.
CREATE TABLE geartrain.touched_tasks (
  partition smallint NOT NULL,
  task_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (partition, task_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
