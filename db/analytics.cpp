#include "db/operations.hpp"

// Figures over many tasks, for reports.

namespace geartrain::db_op {

namespace {

/// How long before a window tasks may have been created whose attempts count in it.
constexpr std::chrono::hours task_slack{24};

std::uint64_t count_at(const row_set& rows, int i, int column) {
  return static_cast<std::uint64_t>(rows.int8(i, column));
}

std::vector<slow_item> read_slow(const row_set& rows) {
  std::vector<slow_item> items;
  for (int i = 0; i < rows.size(); ++i) {
    slow_item item;
    item.namespace_name = rows.text(i, 0);
    item.task_name = rows.text(i, 1);
    item.version = rows.text(i, 2);
    item.step_name = rows.text(i, 3);
    item.average_seconds = rows.float8(i, 4);
    item.max_seconds = rows.float8(i, 5);
    item.executions = count_at(rows, i, 6);
    item.errors = count_at(rows, i, 7);
    item.average_steps = rows.float8(i, 8);
    item.last_executed_at = rows.optional_time(i, 9);
    items.push_back(std::move(item));
  }
  return items;
}

} // namespace

calls performance::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  all.push_back(
    {statement_id::task_performance, parameters{}.add(u.since).add(u.now).add(first_id_at(u.since - task_slack))});
  all.push_back({statement_id::step_performance, parameters{}.add(u.since).add(first_id_at(u.since - task_slack))});
  return all;
}

outcomes<performance> performance::decode(const units&, const row_sets& rows) {
  auto& tasks = rows[0];
  auto& steps = rows[1];
  performance_reply reply;
  reply.total_tasks = count_at(tasks, 0, 0);
  reply.active_tasks = count_at(tasks, 0, 1);
  reply.completed_tasks = count_at(tasks, 0, 2);
  reply.failed_tasks = count_at(tasks, 0, 3);
  reply.average_task_seconds = tasks.float8(0, 4);
  reply.recent_completed = count_at(tasks, 0, 5);
  reply.recent_failed = count_at(tasks, 0, 6);
  reply.steps = count_at(steps, 0, 0);
  reply.failed_attempts = count_at(steps, 0, 1);
  reply.average_step_seconds = steps.float8(0, 2);
  outcomes<performance> all;
  all.emplace_back(reply);
  return all;
}

calls bottlenecks::encode(const units& batch) {
  auto& u = *batch.front();
  auto values = [&] {
    parameters same;
    same.add(u.since).add(first_id_at(u.since - task_slack)).add(std::int64_t{u.min_executions});
    return same.add(std::int64_t{u.limit});
  };
  calls all;
  all.push_back({statement_id::slow_steps, values()});
  all.push_back({statement_id::slow_tasks, values()});
  all.push_back({statement_id::tasks_by_state, {}});
  return all;
}

outcomes<bottlenecks> bottlenecks::decode(const units&, const row_sets& rows) {
  bottlenecks_reply reply;
  reply.steps = read_slow(rows[0]);
  reply.tasks = read_slow(rows[1]);
  for (int i = 0; i < rows[2].size(); ++i) {
    if (auto state = static_cast<std::size_t>(rows[2].int2(i, 0)); state < reply.tasks_by_state.size())
      reply.tasks_by_state[state] = count_at(rows[2], i, 1);
    reply.total_steps += count_at(rows[2], i, 2);
  }
  outcomes<bottlenecks> all;
  all.emplace_back(std::move(reply));
  return all;
}

} // namespace geartrain::db_op
