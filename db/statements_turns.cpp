#include "db/statement_groups.hpp"

#include <ranges>
#include <utility>

// What a turn and a creation write, and the claims. How statements are written: statements.cpp.
//
// The arrays of turns and creations go to the planner as (SELECT $1). Of an array whose length it sees it makes a new plan
// for each batch as long as that seems cheaper than the plan for any length, and after a while of small batches it always
// does; but making a plan costs more than writing a small batch.

namespace geartrain {

namespace {

using enum pg_type;

// -- turns -----------------------------------------------------------------------

struct array_columns {
  int parameter; ///< of the first
  std::string_view names;
};

/// A row for each element of arrays, for FROM. In the target list they are read side by side; by `FROM unnest($1, $2)` each
/// would first be written to a store of its own, which is 5 % of what the server does for turns and creations.
std::string rows_of(std::initializer_list<array_columns> arrays) {
  std::string columns;
  for (auto [parameter, names] : arrays)
    for (auto&& name : std::views::split(names, ',')) {
      auto array = "$" + std::to_string(parameter++);
      columns += (columns.empty() ? "unnest((SELECT " + array + "))" : ", unnest(" + array + ")") + " AS ";
      columns.append(name.begin(), name.end());
    }
  return "(SELECT " + columns + ")";
}

// What a turn appends of ended attempts has the key (task, version of the turn, place in the turn): of two turns with the
// same version the later one fails with unique_violation, and its batch is split until it stands alone. A turn without an
// ended attempt notes that it happened, as place 0 with outcome 0.

const std::string attempt_columns =
  "task_id, version, seq, step, attempt, outcome, lease_nonce, claimed_at, finished_at, "
  "next_attempt_at, execution_time_ms, worker, result, error, metadata";

const std::string into_attempts = "\n  INSERT INTO geartrain.attempts (" + attempt_columns + ")";

const std::vector<pg_type> attempt_types{
  uuid_array,        int4_array,        int4_array, int4_array, int4_array, int2_array, int8_array, timestamptz_array,
  timestamptz_array, timestamptz_array, int8_array, text_array, text_array, text_array, text_array};

// Most turns change nothing that others look for, so this is all they write.
const std::string append_turns_sql = into_attempts + " SELECT * FROM " + rows_of({{1, attempt_columns}}) + " a";

// Turns that move the head row must find it as the last such turn left it. Terminal rows (8 and above) stay as they are,
// except that an act may revive a task in error (9), or leave it there. An act is a fact, so the short statement needs no
// such exception. `closed` would say the same, but by it the planner might read the whole index of open tasks.
std::string moved(const std::string& given, const std::string& condition) {
  return R"(
WITH moved AS (
  UPDATE geartrain.tasks t
  SET version = g.version, state = g.state, steps_total = g.steps_total, steps_completed = g.steps_completed,
      steps_failed = g.steps_failed, paused = g.paused, state_since = g.state_since, due_at = g.due_at,
      deadline_at = g.deadline_at, completed_at = g.completed_at, updated_at = g.updated_at
  FROM )" +
         given + R"( g
  WHERE t.task_id = ANY (ARRAY[g.task_id]) AND t.version = g.head_version AND )" +
         condition + R"(
  RETURNING t.task_id, t.version, t.template_id
))";
}

const std::string turn_columns = "task_id, version, head_version, state, steps_total, steps_completed, steps_failed, "
                                 "paused, state_since, due_at, deadline_at, completed_at, updated_at";

const std::vector<pg_type> head_types{
  uuid_array, int4_array,        int4_array,        int2_array,        int4_array,        int4_array,       int4_array,
  bool_array, timestamptz_array, timestamptz_array, timestamptz_array, timestamptz_array, timestamptz_array};

// The rows of the whole batch, those of turns that append only among them: one statement for all of them costs less than
// two. Of turns that move the head row ($29) only those that did.
const std::string appended = R"(, appended AS ()" + into_attempts + R"(
  SELECT )" + attempt_columns +
                             " FROM " + rows_of({{14, attempt_columns + ", moves"}}) + R"( a
  WHERE NOT a.moves OR a.task_id IN (SELECT m.task_id FROM moved m)
))";

// Most turns append none of these, so most batches do without ($30: which of the turns are acts). A case that is pending
// already stays the only one.
const std::string turn_additions = R"(, noted AS (
  INSERT INTO geartrain.task_facts (task_id, version, seq, kind, step, at, who, reason, from_state, to_state, data)
  SELECT f.task_id, m.version, f.seq, f.kind, f.step, f.at, f.who, f.reason, f.from_state, f.to_state, f.data
  FROM unnest($31, $32, $33, $34, $35, $36, $37, $38, $39, $40)
    AS f (task_id, seq, kind, step, at, who, reason, from_state, to_state, data)
  JOIN moved m USING (task_id)
), kept AS (
  INSERT INTO geartrain.checkpoints (task_id, step, attempt, version, lease_nonce, yielded, yields, at, data)
  SELECT c.task_id, c.step, c.attempt, m.version, c.lease_nonce, c.yielded, c.yields, c.at, c.data
  FROM unnest($41, $42, $43, $44, $45, $46, $47, $48)
    AS c (task_id, step, attempt, lease_nonce, yielded, yields, at, data)
  JOIN moved m USING (task_id)
  ON CONFLICT (task_id, step) DO UPDATE
  SET attempt = excluded.attempt, version = excluded.version, lease_nonce = excluded.lease_nonce,
      yielded = excluded.yielded, yields = excluded.yields, at = excluded.at, data = excluded.data
), opened AS (
  INSERT INTO geartrain.dead_letters (task_id, id, reason, original_state, at, updated_at, task_snapshot, metadata)
  SELECT d.task_id, d.id, d.reason, d.original_state, d.at, d.at, d.task_snapshot, d.metadata
  FROM unnest($49, $50, $51, $52, $53, $54, $55)
    AS d (task_id, id, reason, original_state, at, task_snapshot, metadata)
  JOIN moved m USING (task_id)
  ON CONFLICT DO NOTHING
), published AS (
  INSERT INTO geartrain.domain_events (task_id, namespace, step, name, delivery, at, payload)
  SELECT e.task_id, (SELECT t.namespace FROM geartrain.templates t WHERE t.id = m.template_id), e.step, e.name,
         e.delivery, e.at, e.payload
  FROM unnest($56, $57, $58, $59, $60, $61) WITH ORDINALITY
    AS e (task_id, step, name, delivery, at, payload, place)
  JOIN moved m USING (task_id)
  ORDER BY e.place
))";

const std::vector<pg_type> turn_additions_types{
  bool_array, uuid_array, int4_array,        int2_array,        int4_array, timestamptz_array, text_array,
  text_array, int2_array, int2_array,        text_array,        uuid_array, int4_array,        int4_array,
  int8_array, bool_array, int4_array,        timestamptz_array, text_array, uuid_array,        uuid_array,
  int2_array, int2_array, timestamptz_array, text_array,        text_array, uuid_array,        int4_array,
  text_array, int2_array, timestamptz_array, text_array};

const std::string turn_answer = "\nSELECT task_id FROM moved";

// -- creations -------------------------------------------------------------------

const std::string head_columns = "task_id, partition, template_id, state, priority, steps_total, created_at, due_at, "
                                 "deadline_at";

const std::string into_tasks = R"(
  INSERT INTO geartrain.tasks (task_id, partition, template_id, state, priority, steps_total, created_at, updated_at,
                               state_since, due_at, deadline_at))";

const std::string into_inputs = R"(
  INSERT INTO geartrain.task_inputs (task_id, context, initiator, source_system, reason, tags, correlation_id,
                                     parent_correlation_id, requested_at, start_at))";

const std::string given_inputs =
  R"(
  SELECT i.task_id, i.context, i.initiator, i.source_system, i.reason, i.tags::text[], i.correlation_id,
         i.parent_correlation_id, i.requested_at, i.start_at
  FROM )" +
  rows_of({{1, "task_id"},
           {10, "context, initiator, source_system, reason, tags, correlation_id, parent_correlation_id, "
                "requested_at, start_at"}}) +
  " i";

const std::vector<pg_type> plain_creation_types{
  uuid_array,        int2_array,        int8_array,        int2_array, int2_array,        int4_array,
  timestamptz_array, timestamptz_array, timestamptz_array, text_array, text_array,        text_array,
  text_array,        text_array,        uuid_array,        uuid_array, timestamptz_array, timestamptz_array};

// Of tasks without an identity that did not come through the inbox. That one of them has been written before is so rare
// that looking for it each time would cost too much: it makes this fail with unique_violation, and the batch is repeated
// with create_tasks.
const std::string create_plain_tasks_sql = "\nWITH heads AS (" + into_tasks + R"(
  SELECT task_id, partition, template_id, state, priority, steps_total, created_at, created_at, created_at, due_at,
         deadline_at
  FROM )" + rows_of({{1, head_columns}}) + " g\n)" +
                                           into_inputs + given_inputs;

// A creation that the inbox asked for happens only if it takes the request with it, so that of several nodes one makes
// the task. `named` waits for a concurrent creation with the same identity and then does nothing, unless that identity
// has expired by $22. Such a holder is not visible to the final SELECT, whose snapshot is older: then `holder` is NULL
// and the actor asks once more with find_holders. Identities are taken in one order everywhere, so that two batches
// can't wait for each other.
const std::string create_tasks_sql = R"(
WITH given AS (
  SELECT * FROM )" + rows_of({{1, head_columns}, {19, "identity_hash, identity_expires_at, inbox_request"}}) +
                                     R"( g
), taken AS (
  DELETE FROM geartrain.task_requests WHERE id = ANY ($21) RETURNING id
), wanted AS (
  SELECT * FROM given WHERE inbox_request IS NULL OR inbox_request IN (SELECT id FROM taken)
), named AS (
  INSERT INTO geartrain.identities AS n (identity_hash, task_id, expires_at)
  SELECT identity_hash, task_id, identity_expires_at FROM wanted WHERE identity_hash IS NOT NULL ORDER BY identity_hash
  ON CONFLICT (identity_hash) DO UPDATE SET task_id = excluded.task_id, expires_at = excluded.expires_at
  WHERE n.expires_at <= $22
  RETURNING task_id
), heads AS ()" + into_tasks + R"(
  SELECT task_id, partition, template_id, state, priority, steps_total, created_at, created_at, created_at, due_at,
         deadline_at
  FROM wanted WHERE identity_hash IS NULL OR task_id IN (SELECT task_id FROM named)
  ON CONFLICT (task_id) DO NOTHING
  RETURNING task_id
), inputs AS ()" + into_inputs + given_inputs +
                                     R"(
  WHERE i.task_id IN (SELECT task_id FROM heads)
)
SELECT g.task_id, h.task_id IS NOT NULL AS created,
       (SELECT i.task_id FROM geartrain.identities i
        WHERE i.identity_hash = g.identity_hash AND (i.expires_at > $22) IS NOT FALSE) AS holder,
       g.inbox_request IS NULL OR g.inbox_request IN (SELECT id FROM taken) AS wanted
FROM given g LEFT JOIN heads h USING (task_id))";

constexpr auto find_holders_sql = R"(
SELECT g.task_id, (SELECT true FROM geartrain.tasks t WHERE t.task_id = g.task_id) IS NOT NULL AS created,
       (SELECT i.task_id FROM geartrain.identities i
        WHERE i.identity_hash = g.identity_hash AND (i.expires_at > $3) IS NOT FALSE) AS holder
FROM unnest((SELECT $1), $2) AS g (task_id, identity_hash))";

// -- claims ----------------------------------------------------------------------

// The claim after the most yields of an attempt wins, then the newest; a release removes the claim of its own nonce only. No key is in both lists.
constexpr auto sync_claims_sql = R"(
WITH released AS (
  DELETE FROM geartrain.claims c
  USING unnest($11, $12, $13, $14) AS r (task_id, step, attempt, lease_nonce)
  WHERE c.task_id = ANY ($11) AND c.task_id = r.task_id AND c.step = r.step AND c.attempt = r.attempt
    AND c.lease_nonce = r.lease_nonce
)
INSERT INTO geartrain.claims (task_id, step, attempt, yields, epoch, lease_nonce, claimed_at, token_expires_at,
                              expires_at, worker)
SELECT * FROM unnest((SELECT $1), $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (task_id, step, attempt) DO UPDATE
SET yields = excluded.yields, epoch = excluded.epoch, lease_nonce = excluded.lease_nonce,
    claimed_at = excluded.claimed_at, token_expires_at = excluded.token_expires_at, expires_at = excluded.expires_at,
    worker = excluded.worker
WHERE (geartrain.claims.yields, geartrain.claims.claimed_at) <= (excluded.yields, excluded.claimed_at))";

constexpr auto record_refused_sql = R"(
INSERT INTO geartrain.refused_reports (task_id, step, attempt, epoch, lease_nonce, received_at, success, worker)
SELECT * FROM unnest((SELECT $1), $2, $3, $4, $5, $6, $7, $8))";

std::vector<pg_type> joined(std::initializer_list<std::vector<pg_type>> parts) {
  std::vector<pg_type> all;
  for (auto& part : parts)
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

std::vector<statement> statement_groups::turns() {
  using enum pg_type;
  using id = statement_id;
  return {
    {id::append_turns, "append_turns", append_turns_sql, attempt_types},
    {id::commit_turns, "commit_turns", moved(rows_of({{1, turn_columns}}), "t.state < 8") + appended + turn_answer,
     joined({head_types, attempt_types, {bool_array}})},
    {id::commit_full_turns, "commit_full_turns",
     moved(rows_of({{1, turn_columns}, {30, "revives"}}), "(t.state < 8 OR t.state = 9 AND g.revives)") + appended +
       turn_additions + turn_answer,
     joined({head_types, attempt_types, {bool_array}, turn_additions_types})},
    {id::create_plain_tasks, "create_plain_tasks", create_plain_tasks_sql, plain_creation_types},
    {id::create_tasks, "create_tasks", create_tasks_sql,
     joined({plain_creation_types, {bytea_array, timestamptz_array, uuid_array, timestamptz}})},
    {id::find_holders, "find_holders", find_holders_sql, {uuid_array, bytea_array, timestamptz}},
    {id::sync_claims,
     "sync_claims",
     sync_claims_sql,
     {uuid_array, int4_array, int4_array, int4_array, int8_array, int8_array, timestamptz_array, timestamptz_array,
      timestamptz_array, text_array, uuid_array, int4_array, int4_array, int8_array}},
    {id::record_refused,
     "record_refused",
     record_refused_sql,
     {uuid_array, int4_array, int4_array, int8_array, int8_array, timestamptz_array, bool_array, text_array}},
  };
}

} // namespace geartrain
