-- Removal of old weeks. Head rows go first, in batches; then what belongs to a week goes with its partitions.

-- The weeks that have partitions, and what they hold.
CREATE FUNCTION geartrain.partitioned_weeks() RETURNS TABLE (week date, part_count bigint, bytes bigint)
LANGUAGE sql STABLE AS $$
  SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), count(*), sum(pg_total_relation_size(c.oid))::bigint
  FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
  WHERE p.relnamespace = 'geartrain'::regnamespace AND p.relkind = 'p' AND c.relname ~ '_[0-9]{8}$'
  GROUP BY 1
$$;

-- Drops all partitions of one week. The rows of tasks that still have a head row stay: they move to the default partition.
-- All tables in one transaction, so that a task is here or there as a whole; the locks on the parents keep every writer
-- waiting, but only while the few rows move. Gives the number of rows moved. A lock that is not to be had soon raises
-- lock_not_available and leaves everything as it was: to be called again.
CREATE FUNCTION geartrain.drop_week(week date) RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
  parent text;
  part text;
  n bigint;
  moved bigint := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(1195725396, 2); -- see ensure_partitions
  FOR parent IN
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'geartrain'::regnamespace AND c.relkind = 'p' ORDER BY 1
  LOOP
    EXECUTE format('LOCK TABLE ONLY geartrain.%I IN ACCESS EXCLUSIVE MODE', parent);
  END LOOP;
  FOR parent IN
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'geartrain'::regnamespace AND c.relkind = 'p' ORDER BY 1
  LOOP
    part := parent || '_' || to_char(week, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('geartrain.' || part) IS NULL;
    EXECUTE format('ALTER TABLE geartrain.%I DETACH PARTITION geartrain.%I', parent, part);
    EXECUTE format('INSERT INTO geartrain.%I SELECT p.* FROM geartrain.%I p WHERE p.task_id IN '
      '(SELECT t.task_id FROM geartrain.tasks t WHERE t.task_id >= %L AND t.task_id < %L)',
      parent, part, geartrain.first_id_of(week), geartrain.first_id_of(week + 7));
    GET DIAGNOSTICS n = ROW_COUNT;
    moved := moved + n;
    EXECUTE format('DROP TABLE geartrain.%I', part);
  END LOOP;
  RETURN moved;
END $$;

-- Removes, from the default partitions, up to `at_most` rows each of tasks before `bound` whose head row is gone.
CREATE FUNCTION geartrain.sweep_default_partitions(bound uuid, at_most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  n bigint;
  removed bigint := 0;
BEGIN
  FOR parent IN
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'geartrain'::regnamespace AND c.relkind = 'p' ORDER BY 1
  LOOP
    EXECUTE format('DELETE FROM geartrain.%1$I d WHERE d.ctid = ANY (ARRAY(SELECT r.ctid FROM geartrain.%1$I r '
      'WHERE r.task_id < $1 AND NOT EXISTS (SELECT FROM geartrain.tasks t WHERE t.task_id = r.task_id) LIMIT $2))',
      parent || '_default') USING bound, at_most;
    GET DIAGNOSTICS n = ROW_COUNT;
    removed := removed + n;
  END LOOP;
  RETURN removed;
END $$;
