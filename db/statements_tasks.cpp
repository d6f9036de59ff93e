#include "db/statement_groups.hpp"

#include <utility>

// Reading tasks whole, and finding them. How statements are written: statements.cpp.

namespace geartrain {

namespace {

using enum pg_type;

// -- whole tasks -----------------------------------------------------------------

// A task is read by five statements in one round trip and one snapshot: this goes before them, and holds for their
// transaction only.
constexpr auto read_as_of_one_moment_sql = "SET transaction_isolation = 'repeatable read'";

constexpr auto read_heads_sql = R"(
SELECT t.task_id, t.template_id, t.state, t.version, t.steps_total, t.created_at, t.updated_at, t.completed_at,
       t.due_at, t.deadline_at, t.state_since, t.paused, t.priority, i.context, i.initiator, i.source_system,
       i.reason, i.tags, i.correlation_id, i.parent_correlation_id, i.requested_at, i.start_at
FROM geartrain.tasks t JOIN geartrain.task_inputs i ON i.task_id = t.task_id
WHERE t.task_id = ANY ($1) AND i.task_id = ANY ($1))";

constexpr auto read_attempts_sql = R"(
SELECT task_id, step, attempt, version, outcome, lease_nonce, claimed_at, finished_at, next_attempt_at,
       execution_time_ms, worker, result, error, metadata
FROM geartrain.attempts WHERE task_id = ANY ($1) ORDER BY task_id, step, attempt)";

constexpr auto read_facts_sql = R"(
SELECT task_id, version, kind, step, at, who, reason, from_state, to_state, data
FROM geartrain.task_facts WHERE task_id = ANY ($1) ORDER BY task_id, version, seq)";

constexpr auto read_checkpoints_sql = R"(
SELECT task_id, step, attempt, version, lease_nonce, yielded, yields, at, data
FROM geartrain.checkpoints WHERE task_id = ANY ($1) ORDER BY task_id, step)";

constexpr auto read_claims_sql = R"(
SELECT task_id, step, attempt, yields, epoch, lease_nonce, claimed_at, token_expires_at, expires_at, worker
FROM geartrain.claims WHERE task_id = ANY ($1) ORDER BY task_id, step, attempt)";

// -- what a node looks for ---------------------------------------------------------

// Pending (0) and waiting_for_retry (6): nothing runs before the due time.
constexpr auto open_tasks_sql = R"(
SELECT task_id, template_id, CASE WHEN state IN (0, 6) THEN due_at END FROM geartrain.tasks WHERE NOT closed AND partition = ANY ($1) AND task_id > $2
ORDER BY task_id LIMIT $3)";

// $2: now; $3: tasks due before this are overdue. Neither time is indexed, for both change with every turn: this looks
// at every open task of the partitions.
constexpr auto overdue_tasks_sql = R"(
SELECT task_id FROM geartrain.tasks
WHERE NOT closed AND partition = ANY ($1) AND NOT paused AND (deadline_at <= $2 OR due_at <= $3)
ORDER BY task_id LIMIT $4)";

// -- listings ----------------------------------------------------------------------
//
// A listing has one statement for each index that can lead it, because one for all would have one generic plan for all.
// Each applies every filter; the most selective one that is given leads (find_tasks.cpp chooses).
//
// $1 namespace, $2 template, $3 version, $4 state, $5 initiator, $6 source system, $7 correlation id, $8 tags (NULL: any),
// $9 and $10 time of creation, $11 now: a waiting_for_retry (6) whose time has come is steps_in_process (3) already.
// $12 to $13: the range of ids, which also narrows the time of creation. Of a page: $14 limit, $15 offset.

const std::string of_template = R"(
($1 IS NULL OR m.namespace = $1) AND ($2 IS NULL OR m.name = $2) AND ($3 IS NULL OR m.version = $3))";

const std::string in_range = R"(
t.task_id >= $12 AND t.task_id < $13 AND ($9 IS NULL OR t.created_at >= $9) AND ($10 IS NULL OR t.created_at < $10)
  AND ($4 IS NULL OR CASE WHEN t.state = 6 AND t.due_at <= $11 THEN 3 ELSE t.state END = $4))";

const std::string of_given_template = R"(
  AND ($1 IS NULL AND $2 IS NULL AND $3 IS NULL
       OR t.template_id IN (SELECT m.id FROM geartrain.templates m WHERE)" +
                                      of_template + "))";

const std::string of_given_input = R"(
  AND ($5 IS NULL AND $6 IS NULL AND $7 IS NULL AND $8 IS NULL
       OR EXISTS (SELECT FROM geartrain.task_inputs i
                  WHERE i.task_id = t.task_id AND ($5 IS NULL OR i.initiator = $5)
                    AND ($6 IS NULL OR i.source_system = $6) AND ($7 IS NULL OR i.correlation_id = $7)
                    AND ($8 IS NULL OR i.tags @> $8))))";

const std::string filter = in_range + of_given_template + of_given_input;

const std::vector<pg_type> filter_types{text,       text,        text,        int2,        text, text, uuid,
                                        text_array, timestamptz, timestamptz, timestamptz, uuid, uuid};

struct listing {
  statement_id page;
  statement_id count;
  std::string name;
  std::string page_source; ///< FROM and WHERE, of the page: the rows may be cut off where the page ends
  std::string count_source;
  std::string order; ///< which is that of the leading index
};

listing from_heads(statement_id page, statement_id count, std::string name, const std::string& condition) {
  auto source = "\nFROM geartrain.tasks t\nWHERE " + condition + filter;
  return {page, count, std::move(name), source, source, "task_id DESC"};
}

/// `given` is a condition on `i`, a row of task_inputs, and `order` that of the index for it. The parts of that table are
/// merged in order, and each row then looks up its head.
listing from_inputs(statement_id page, statement_id count, std::string name, const std::string& given,
                    const std::string& order) {
  // GIN has no order: all that have the tags are found first, and then only narrowed to the range and sorted.
  auto narrowed = page == statement_id::list_page_tags ? " OFFSET 0) i WHERE" : " AND";
  auto inputs = (page == statement_id::list_page_tags ? "SELECT i.task_id FROM (" : std::string{}) +
                "SELECT i.initiator, i.task_id FROM geartrain.task_inputs i WHERE " + given + narrowed +
                " i.task_id >= $12 AND i.task_id < $13";
  auto heads = ") n\nCROSS JOIN LATERAL (SELECT FROM geartrain.tasks t WHERE t.task_id = n.task_id AND " + filter +
               "\nOFFSET 0) t";
  return {page, count, std::move(name), "\nFROM (" + inputs + " ORDER BY " + order + heads, "\nFROM (" + inputs + heads,
          order};
}

/// The newest of each template, merged. A range of one template (as below, of one initiator) instead of an equality, and
/// that column in front of the order: else the planner, which does not know how rare this one is, may walk through all
/// tasks and pick out the few.
listing from_templates() {
  auto templates = "\nFROM geartrain.templates m\n";
  auto heads = in_range + of_given_input;
  return {
    statement_id::list_page_template,
    statement_id::list_count_template,
    "template",
    templates +
      ("CROSS JOIN LATERAL (SELECT t.task_id FROM geartrain.tasks t\nWHERE t.template_id BETWEEN m.id AND m.id AND" +
       heads + "\nORDER BY t.template_id DESC, t.task_id DESC LIMIT $14 + $15) t\nWHERE" + of_template),
    templates + ("JOIN geartrain.tasks t ON t.template_id = m.id AND" + heads + "\nWHERE" + of_template),
    "task_id DESC"};
}

std::vector<listing> listings() {
  using id = statement_id;
  return {
    from_heads(id::list_page_all, id::list_count_all, "all", ""),
    from_heads(id::list_page_open, id::list_count_open, "open", "NOT t.closed AND"),
    from_heads(id::list_page_ended_otherwise, id::list_count_ended_otherwise, "ended_otherwise",
               "t.ended_otherwise AND"),
    from_templates(),
    from_inputs(id::list_page_initiator, id::list_count_initiator, "initiator", "i.initiator BETWEEN $5 AND $5",
                "initiator DESC, task_id DESC"),
    from_inputs(id::list_page_tags, id::list_count_tags, "tags", "i.tags @> $8 AND i.tags <> '{}'", "task_id DESC"),
    from_inputs(id::list_page_correlation, id::list_count_correlation, "correlation", "i.correlation_id = $7",
                "task_id DESC"),
  };
}

} // namespace

std::vector<statement> statement_groups::tasks() {
  using enum pg_type;
  using id = statement_id;
  std::vector<statement> all{
    {id::read_as_of_one_moment, "read_as_of_one_moment", read_as_of_one_moment_sql, {}},
    {id::read_heads, "read_heads", read_heads_sql, {uuid_array}},
    {id::read_attempts, "read_attempts", read_attempts_sql, {uuid_array}},
    {id::read_facts, "read_facts", read_facts_sql, {uuid_array}},
    {id::read_checkpoints, "read_checkpoints", read_checkpoints_sql, {uuid_array}},
    {id::read_claims, "read_claims", read_claims_sql, {uuid_array}},
    {id::open_tasks, "open_tasks", open_tasks_sql, {int2_array, uuid, int8}},
    {id::overdue_tasks, "overdue_tasks", overdue_tasks_sql, {int2_array, timestamptz, timestamptz, int8}},
  };
  auto page_types = filter_types;
  page_types.insert(page_types.end(), {int8, int8});
  for (auto& l : listings()) {
    all.push_back({l.page, "list_page_" + l.name,
                   "SELECT task_id" + l.page_source + "\nORDER BY " + l.order + " LIMIT $14 OFFSET $15", page_types});
    all.push_back({l.count, "list_count_" + l.name, "SELECT count(*)" + l.count_source, filter_types});
  }
  return all;
}

} // namespace geartrain
