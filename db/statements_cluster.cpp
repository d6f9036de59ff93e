#include "db/statement_groups.hpp"

// Who takes part in a cluster and who owns what. How statements are written: statements.cpp. The tables that are read as a
// whole here have a row for each node or for each partition.

namespace geartrain {

namespace {

using enum pg_type;

// Every answer is one set of rows of several kinds: a member (1), a partition as it was before the statement (2), a
// partition that has just changed hands (3), a touched task (4). All parts of a statement see the same moment, so what it
// writes comes from RETURNING and the rest from the tables; the reader lets the greater term win.

const std::string members = R"(
SELECT 1::int2, n.id, NULL::int2, NULL::int8, n.name, n.address, n.url, n.wire, n.draining, n.drain_asked, n.host,
       n.pid, n.started, n.joined_at, n.expires_at > now(),
       greatest((extract(epoch FROM now() - n.beat_at) * 1000)::int8, 0)
FROM geartrain.nodes n)";

const std::string partitions_before = R"(
UNION ALL
SELECT 2::int2, l.owner, l.partition, l.term, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM geartrain.partition_leases l)";

// $1 to $10 the node's row, $11 for how long it is valid (ms), $12 nodes that have ended, $13 to $15 the moves in the order
// of their partitions, which is the order of their locks.
//
// A move that meets another one of the same partition waits for it, then finds another term and does nothing. A beat waits
// for nobody else: rows of other nodes and of touched tasks that somebody has locked are left for the next one. The parts
// run in the order in which the answer reads them; so it holds its own row before it looks at others, and two nodes that
// take each other for dead can't wait for each other.
//
// Touched tasks are those of the partitions that the node owns after the moves. Those of a partition that it has just
// taken are settled with that, because it reads all open tasks of it after this statement.
const std::string beat_sql = R"(
WITH beaten AS (
  INSERT INTO geartrain.nodes AS n (id, name, address, url, wire, draining, host, pid, started, joined_at, beat_at,
                                    expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), now() + $11 * interval '1 millisecond')
  ON CONFLICT (id) DO UPDATE
  SET name = excluded.name, address = excluded.address, url = excluded.url, wire = excluded.wire,
      draining = excluded.draining, host = excluded.host, pid = excluded.pid, started = excluded.started,
      joined_at = excluded.joined_at, beat_at = excluded.beat_at, expires_at = excluded.expires_at
  RETURNING n.*
), gone AS (
  DELETE FROM geartrain.nodes d
  WHERE d.id = ANY (ARRAY(SELECT e.id FROM geartrain.nodes e
                          WHERE e.id <> $1 AND (e.id = ANY ($12) OR e.expires_at < now() - interval '1 hour')
                          FOR UPDATE SKIP LOCKED))
  RETURNING d.id
), moved AS (
  UPDATE geartrain.partition_leases l
  SET owner = g.new_owner, term = l.term + 1, since = now()
  FROM unnest($13, $14, $15) AS g (partition, term, new_owner)
  WHERE l.partition = ANY (ARRAY[g.partition]) AND l.term = g.term
    AND (l.owner IS NULL OR l.owner = $1 OR l.owner = ANY ($12)
         OR NOT EXISTS (SELECT FROM geartrain.nodes o WHERE o.id = l.owner AND o.expires_at > now()))
  RETURNING l.partition, l.owner, l.term
), owned AS (
  SELECT l.partition FROM geartrain.partition_leases l
  WHERE l.owner = $1 AND l.partition NOT IN (SELECT m.partition FROM moved m)
  UNION ALL
  SELECT m.partition FROM moved m WHERE m.owner = $1
), told AS (
  DELETE FROM geartrain.touched_tasks d
  WHERE d.ctid = ANY (ARRAY(SELECT t.ctid FROM geartrain.touched_tasks t
                            WHERE t.partition = ANY (ARRAY(SELECT o.partition FROM owned o))
                            LIMIT 5000 FOR UPDATE SKIP LOCKED))
  RETURNING d.task_id
)
SELECT 1::int2, b.id, NULL, NULL, b.name, b.address, b.url, b.wire, b.draining, b.drain_asked, b.host, b.pid, b.started,
       b.joined_at, true, 0
FROM beaten b
UNION ALL)" + members + R"(
WHERE n.id <> $1 AND n.id NOT IN (SELECT g.id FROM gone g))" +
                             partitions_before + R"(
UNION ALL
SELECT 3::int2, m.owner, m.partition, m.term, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM moved m
UNION ALL
SELECT 4::int2, t.task_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM told t)";

const std::string read_cluster_sql = members + partitions_before;

// Locks the row of the node first, and the partitions in their order, as a beat does.
constexpr auto leave_sql = R"(
WITH gone AS (
  DELETE FROM geartrain.nodes WHERE id = $1 RETURNING id
)
UPDATE geartrain.partition_leases l
SET owner = NULL, term = l.term + 1, since = now()
WHERE (SELECT count(*) FROM gone) < 2
  AND l.partition = ANY (ARRAY(SELECT o.partition FROM geartrain.partition_leases o WHERE o.owner = $1
                               ORDER BY o.partition FOR UPDATE))
  AND l.owner = $1)";

// $1 and $2 in their order, no pair twice.
constexpr auto touch_tasks_sql = R"(
INSERT INTO geartrain.touched_tasks (partition, task_id)
SELECT * FROM unnest($1, $2)
ON CONFLICT (partition, task_id) DO UPDATE SET at = excluded.at)";

constexpr auto ask_drain_sql = R"(
UPDATE geartrain.nodes SET drain_asked = $2 WHERE (name = $1 OR id::text = lower($1)) AND expires_at > now())";

} // namespace

std::vector<statement> statement_groups::cluster() {
  using enum pg_type;
  using id = statement_id;
  return {
    {id::beat,
     "beat",
     beat_sql,
     {uuid, text, text, text, int4, boolean, text, int8, int8, timestamptz, int8, uuid_array, int2_array, int8_array,
      uuid_array}},
    {id::leave, "leave", leave_sql, {uuid}},
    {id::touch_tasks, "touch_tasks", touch_tasks_sql, {int2_array, uuid_array}},
    {id::ask_drain, "ask_drain", ask_drain_sql, {text, boolean}},
    {id::read_cluster, "read_cluster", read_cluster_sql, {}},
  };
}

} // namespace geartrain
