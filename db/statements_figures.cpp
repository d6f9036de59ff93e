#include "db/statement_groups.hpp"

// Analytics: they read many rows, and nothing keeps their answers. How statements are written: statements.cpp.

namespace geartrain {

namespace {

using enum pg_type;

// $1 since, $2 now, $3 the first task id of that time.
constexpr auto task_performance_sql = R"(
SELECT count(*), count(*) FILTER (WHERE NOT closed), count(*) FILTER (WHERE state IN (8, 11)),
       count(*) FILTER (WHERE state = 9),
       coalesce(avg(extract(epoch FROM completed_at - created_at)) FILTER (WHERE state IN (8, 11)), 0)::float8,
       count(*) FILTER (WHERE state IN (8, 11) AND completed_at >= $2 - interval '1 hour'),
       count(*) FILTER (WHERE state = 9 AND completed_at >= $2 - interval '1 hour')
FROM geartrain.tasks WHERE task_id >= $3 AND created_at >= $1 AND created_at <= $2)";

// $1 since, $2 a task id from some time before: the attempts of older tasks are left out.
constexpr auto step_performance_sql = R"(
SELECT count(*), count(*) FILTER (WHERE outcome <> 1),
       coalesce(avg(coalesce(execution_time_ms / 1000.0, extract(epoch FROM finished_at - claimed_at))), 0)::float8
FROM geartrain.attempts WHERE task_id >= $2 AND finished_at >= $1 AND outcome > 0)";

// The workers of a batch have numbers above those of the template's steps and count together.
constexpr auto slow_steps_sql = R"(
WITH ended AS (
  SELECT t.template_id, a.step, count(*) AS runs, count(*) FILTER (WHERE a.outcome <> 1) AS errors,
         sum(coalesce(a.execution_time_ms / 1000.0, extract(epoch FROM a.finished_at - a.claimed_at))) AS seconds,
         max(coalesce(a.execution_time_ms / 1000.0, extract(epoch FROM a.finished_at - a.claimed_at))) AS longest,
         max(a.finished_at) AS last
  FROM geartrain.attempts a JOIN geartrain.tasks t ON t.task_id = a.task_id
  WHERE a.task_id >= $2 AND t.task_id >= $2 AND a.finished_at >= $1 AND a.outcome > 0
  GROUP BY t.template_id, a.step
), named AS (
  SELECT m.namespace, m.name, m.version, e.*,
         coalesce(m.document::jsonb -> 'steps' -> (e.step - 1) ->> 'name',
                  (SELECT s ->> 'name' FROM jsonb_array_elements(m.document::jsonb -> 'steps') s
                   WHERE s ->> 'type' = 'batch_worker' LIMIT 1), '') AS step_name
  FROM ended e JOIN geartrain.templates m ON m.id = e.template_id
)
SELECT namespace, name, version, step_name, (sum(seconds) / sum(runs))::float8, max(longest)::float8, sum(runs)::int8,
       sum(errors)::int8, 0::float8, max(last)
FROM named GROUP BY namespace, name, version, step_name HAVING sum(runs) >= $3
ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT $4)";

constexpr auto slow_tasks_sql = R"(
SELECT m.namespace, m.name, m.version, '', avg(t.seconds)::float8, max(t.seconds)::float8, count(*),
       count(*) FILTER (WHERE t.state = 9), avg(t.steps_total)::float8, max(t.completed_at)
FROM (SELECT template_id, state, steps_total, completed_at,
             extract(epoch FROM completed_at - created_at) AS seconds
      FROM geartrain.tasks WHERE task_id >= $2 AND created_at >= $1 AND completed_at IS NOT NULL) t
JOIN geartrain.templates m ON m.id = t.template_id
GROUP BY m.namespace, m.name, m.version HAVING count(*) >= $3
ORDER BY 5 DESC, 1, 2, 3 LIMIT $4)";

constexpr auto tasks_by_state_sql =
  "SELECT state, count(*), sum(steps_total)::int8 FROM geartrain.tasks GROUP BY state";

} // namespace

std::vector<statement> statement_groups::figures() {
  using enum pg_type;
  using id = statement_id;
  return {
    {id::task_performance, "task_performance", task_performance_sql, {timestamptz, timestamptz, uuid}},
    {id::step_performance, "step_performance", step_performance_sql, {timestamptz, uuid}},
    {id::slow_steps, "slow_steps", slow_steps_sql, {timestamptz, uuid, int8, int8}},
    {id::slow_tasks, "slow_tasks", slow_tasks_sql, {timestamptz, uuid, int8, int8}},
    {id::tasks_by_state, "tasks_by_state", tasks_by_state_sql, {}},
  };
}

} // namespace geartrain
