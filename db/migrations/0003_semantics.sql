-- Decisions, batches, checkpoints, operator acts, dead letters, events, pauses, deadlines, the inbox and the search.

-- -- tasks -----------------------------------------------------------------------

-- Nothing here is indexed that a turn changes. `ended_otherwise` (error, cancelled, resolved by hand) exists for the
-- index below, as `closed` does: it changes when a task ends or is revived, not with every state.
-- Head rows are a little wider now: half of each page stays free, so that a batch that moves all tasks of a page finds
-- room for their new versions there.
ALTER TABLE geartrain.tasks SET (fillfactor = 50);
ALTER TABLE geartrain.tasks
  ADD COLUMN paused boolean NOT NULL DEFAULT false,
  ADD COLUMN state_since timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN deadline_at timestamptz,
  ADD COLUMN ended_otherwise boolean NOT NULL GENERATED ALWAYS AS (state > 8) STORED;
UPDATE geartrain.tasks SET state_since = updated_at WHERE NOT closed;

ALTER TABLE geartrain.task_inputs ADD COLUMN start_at timestamptz;

-- For the search. Each page is read in the order of task ids from the index of its most selective filter. What they cost
-- at a creation: one insert at the right edge of a range for a template and for an initiator, one at a random place of
-- this week's part for a correlation id, and for tags a note in GIN's pending list; tasks without tags cost nothing.
CREATE INDEX tasks_template ON geartrain.tasks (template_id, task_id);
CREATE INDEX tasks_ended_otherwise ON geartrain.tasks (task_id) WHERE ended_otherwise;
CREATE INDEX task_inputs_correlation ON geartrain.task_inputs (correlation_id);
CREATE INDEX task_inputs_initiator ON geartrain.task_inputs (initiator, task_id);
CREATE INDEX task_inputs_tags ON geartrain.task_inputs USING gin (tags) WHERE tags <> '{}';

-- -- facts and checkpoints ---------------------------------------------------------

CREATE TABLE geartrain.task_facts (
  task_id uuid NOT NULL,
  version integer NOT NULL, -- of the turn that wrote it
  seq integer NOT NULL,     -- within that turn
  kind smallint NOT NULL,
  step integer NOT NULL,    -- 0: the task as a whole
  at timestamptz NOT NULL,
  who text NOT NULL,
  reason text NOT NULL,
  from_state smallint,
  to_state smallint,
  data text,
  PRIMARY KEY (task_id, version, seq)
) PARTITION BY RANGE (task_id);
CREATE TABLE geartrain.task_facts_default PARTITION OF geartrain.task_facts DEFAULT;

-- The last one of each step.
CREATE TABLE geartrain.checkpoints (
  task_id uuid NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  version integer NOT NULL, -- of the turn that wrote it
  lease_nonce bigint NOT NULL,
  yielded boolean NOT NULL,
  at timestamptz NOT NULL,
  data text,
  PRIMARY KEY (task_id, step)
) PARTITION BY RANGE (task_id);
CREATE TABLE geartrain.checkpoints_default PARTITION OF geartrain.checkpoints DEFAULT;

CREATE OR REPLACE FUNCTION geartrain.ensure_partitions(at timestamptz DEFAULT now()) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  monday date := date_trunc('week', at AT TIME ZONE 'UTC')::date;
  made integer := 0;
  parent text;
BEGIN
  PERFORM pg_advisory_xact_lock(1195725396, 2);
  FOREACH parent IN ARRAY ARRAY['task_inputs', 'attempts', 'refused_reports', 'task_facts', 'checkpoints'] LOOP
    made := made + geartrain.make_partition(parent, monday) + geartrain.make_partition(parent, monday + 7);
  END LOOP;
  RETURN made;
END $$;

-- -- dead letters ------------------------------------------------------------------

CREATE TABLE geartrain.dead_letters (
  id uuid PRIMARY KEY,
  task_id uuid, -- NULL: a request that never became a task
  reason smallint NOT NULL,
  original_state smallint NOT NULL,
  status smallint NOT NULL DEFAULT 1,
  at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  resolved_at timestamptz,
  notes text NOT NULL DEFAULT '',
  resolved_by text NOT NULL DEFAULT '',
  task_snapshot text NOT NULL DEFAULT '{}',
  metadata text
);
CREATE UNIQUE INDEX dead_letters_pending ON geartrain.dead_letters (task_id) WHERE status = 1;
CREATE INDEX dead_letters_task ON geartrain.dead_letters (task_id, at);
CREATE INDEX dead_letters_at ON geartrain.dead_letters (at);

-- -- domain events -----------------------------------------------------------------

CREATE TABLE geartrain.domain_events (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task_id uuid NOT NULL,
  namespace text NOT NULL,
  step integer NOT NULL,
  name text NOT NULL,
  delivery smallint NOT NULL,
  at timestamptz NOT NULL,
  payload text
);
CREATE INDEX domain_events_namespace ON geartrain.domain_events (namespace, position);

-- Positions are taken in one order and become visible in another: a reader that remembers the greatest it saw would skip
-- an event whose transaction was still open. The ids of transactions don't help, because a younger transaction may have
-- taken the smaller position. Therefore a writer, before it takes its first position, holds a shared advisory lock that
-- names the last position taken so far: all its own will be greater. PostgreSQL lets go of it after its rows are visible.
-- Nobody ever waits for these locks; readers look at them in pg_locks.
CREATE FUNCTION geartrain.mark_event_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared((18245::bigint << 48)
    | (SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END FROM geartrain.domain_events_position_seq s));
  RETURN NULL;
END $$;
CREATE TRIGGER mark_writer BEFORE INSERT ON geartrain.domain_events
  FOR EACH STATEMENT EXECUTE FUNCTION geartrain.mark_event_writer();

-- Events after a position, oldest first, up to the first that an open transaction might still precede. The order of the
-- three looks matters: who takes a lock after the second look takes positions greater than the first one saw; and the
-- third sees all that the second found finished.
CREATE FUNCTION geartrain.events_after(after bigint, of_namespace text, at_most bigint)
RETURNS SETOF geartrain.domain_events LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  newest bigint;
  open_from bigint;
BEGIN
  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO newest FROM geartrain.domain_events_position_seq s;
  SELECT min(((l.classid::bigint & 65535) << 32) | l.objid::bigint) INTO open_from
  FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint >> 16 = 18245
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
  newest := least(newest, open_from);
  IF of_namespace IS NULL THEN
    RETURN QUERY SELECT * FROM geartrain.domain_events e
      WHERE e.position > after AND e.position <= newest ORDER BY e.position LIMIT at_most;
  ELSE
    RETURN QUERY SELECT * FROM geartrain.domain_events e
      WHERE e.namespace = of_namespace AND e.position > after AND e.position <= newest
      ORDER BY e.position LIMIT at_most;
  END IF;
END $$;

-- -- pauses ------------------------------------------------------------------------

CREATE TABLE geartrain.pauses (
  namespace text NOT NULL,
  template_name text NOT NULL, -- '': the whole namespace
  who text NOT NULL,
  reason text NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (namespace, template_name)
);

-- -- the inbox ---------------------------------------------------------------------

-- Rows come and go, so one table.
CREATE TABLE geartrain.task_requests (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  namespace text NOT NULL,
  name text NOT NULL,
  version text, -- NULL: the newest
  context text NOT NULL,
  options text,
  requested_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX task_requests_age ON geartrain.task_requests (requested_at, id);

-- Asks for a task from inside a transaction of the caller: it comes into being if and when that transaction commits.
-- Gives the id of the request. `options` are the other members of a creation request, such as priority or tags. Only what
-- is plainly wrong is refused here; the rest (is there such a template, does the context fit it) is looked at by a node,
-- and a request that it refuses becomes a dead letter without a task.
CREATE FUNCTION geartrain.create_task(namespace text, name text, version text DEFAULT NULL, context jsonb DEFAULT '{}',
                                      options jsonb DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  request uuid;
BEGIN
  IF coalesce(create_task.namespace, '') = '' OR coalesce(create_task.name, '') = '' OR create_task.version = '' THEN
    RAISE EXCEPTION 'a task needs a namespace and a name' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF greatest(length(create_task.namespace), length(create_task.name), length(create_task.version)) > 255 THEN
    RAISE EXCEPTION 'a name has more than 255 characters' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF jsonb_typeof(create_task.context) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'the context is not a JSON object' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF jsonb_typeof(create_task.options) <> 'object' THEN
    RAISE EXCEPTION 'the options are not a JSON object' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO geartrain.task_requests AS r (namespace, name, version, context, options)
  VALUES (create_task.namespace, create_task.name, create_task.version, create_task.context::text,
          create_task.options::text)
  RETURNING r.id INTO request;
  PERFORM pg_notify('geartrain_inbox', ''); -- a transaction sends it once, however many tasks it asks for
  RETURN request;
END $$;
