-- The task id of the first moment of a week that starts on Monday, 00:00 UTC. A UUIDv7 begins with its milliseconds
-- since 1970, so that a range of ids is a range of creation times.
CREATE FUNCTION geartrain.first_id_of(week date) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT
RETURN (lpad(to_hex((week - DATE '1970-01-01')::bigint * 86400000), 12, '0') || repeat('0', 20))::uuid;

-- Makes one weekly partition; gives 1, or 0 if it is there or can't be made now. A week for which the default partition
-- holds rows already stays there: nothing is lost by it but the cheap removal of that week.
CREATE FUNCTION geartrain.make_partition(parent text, week date) RETURNS integer LANGUAGE plpgsql
SET lock_timeout = '2s' AS $$
DECLARE
  part text := parent || '_' || to_char(week, 'YYYYMMDD');
BEGIN
  IF to_regclass('geartrain.' || part) IS NOT NULL THEN
    RETURN 0;
  END IF;
  EXECUTE format('CREATE TABLE geartrain.%I (LIKE geartrain.%I INCLUDING ALL) WITH ('
    'autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0.1, '
    'autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.05)', part, parent);
  EXECUTE format('ALTER TABLE geartrain.%I ATTACH PARTITION geartrain.%I FOR VALUES FROM (%L) TO (%L)',
    parent, part, geartrain.first_id_of(week), geartrain.first_id_of(week + 7));
  RETURN 1;
EXCEPTION
  WHEN check_violation OR lock_not_available THEN
    RETURN 0;
END $$;

-- Makes the partitions of this week and the next of every partitioned table; gives the number made.
CREATE FUNCTION geartrain.ensure_partitions(at timestamptz DEFAULT now()) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  monday date := date_trunc('week', at AT TIME ZONE 'UTC')::date;
  made integer := 0;
  parent text;
BEGIN
  PERFORM pg_advisory_xact_lock(1195725396, 2);
  FOREACH parent IN ARRAY ARRAY['task_inputs', 'attempts', 'refused_reports'] LOOP
    made := made + geartrain.make_partition(parent, monday) + geartrain.make_partition(parent, monday + 7);
  END LOOP;
  RETURN made;
END $$;
