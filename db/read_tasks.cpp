#include "db/operations.hpp"

#include <algorithm>
#include <unordered_map>

// Reading whole tasks, for load_tasks and list_rows: a few statements of one snapshot, one round trip.

namespace geartrain::db_op {

namespace {

using enum pg_type;

using rows_by_id = std::unordered_map<task_id, std::shared_ptr<task_rows>>;

calls read(const std::vector<task_id>& ids) {
  calls all;
  all.push_back({statement_id::read_as_of_one_moment, {}});
  for (auto statement : {statement_id::read_heads, statement_id::read_attempts, statement_id::read_facts,
                         statement_id::read_checkpoints, statement_id::read_claims}) {
    pg_array column{uuid};
    for (auto& id : ids)
      column.add(id);
    all.push_back({statement, parameters{}.add(std::move(column))});
  }
  return all;
}

std::shared_ptr<task_rows> read_head(const row_set& rows, int i) {
  auto task = std::make_shared<task_rows>();
  auto& head = task->head;
  head.id = rows.id(i, 0);
  head.template_id = rows.int8(i, 1);
  head.state = static_cast<task_state>(rows.int2(i, 2));
  head.version = rows.int4(i, 3);
  task->version = head.version;
  head.steps_total = static_cast<std::uint32_t>(rows.int4(i, 4));
  head.created_at = rows.time(i, 5);
  head.updated_at = rows.time(i, 6);
  head.completed_at = rows.optional_time(i, 7);
  head.due_at = rows.optional_time(i, 8);
  head.deadline_at = rows.optional_time(i, 9);
  head.state_since = rows.time(i, 10);
  head.paused = rows.boolean(i, 11);
  auto& input = task->input;
  input.priority = rows.int2(i, 12);
  input.context = rows.json(i, 13);
  input.initiator = rows.text(i, 14);
  input.source_system = rows.text(i, 15);
  input.reason = rows.text(i, 16);
  input.tags = rows.texts(i, 17);
  input.correlation_id = rows.id(i, 18);
  input.parent_correlation_id = rows.optional_id(i, 19);
  input.requested_at = rows.time(i, 20);
  input.start_at = rows.optional_time(i, 21);
  return task;
}

step_outcome read_attempt(const row_set& rows, int i) {
  step_outcome o;
  o.number = static_cast<std::uint16_t>(rows.int4(i, 1));
  o.attempt = static_cast<std::uint16_t>(rows.int4(i, 2));
  o.version = rows.int4(i, 3);
  o.outcome = static_cast<attempt_outcome>(rows.int2(i, 4));
  o.lease_nonce = static_cast<std::uint64_t>(rows.int8(i, 5));
  o.claimed_at = rows.time(i, 6);
  o.finished_at = rows.time(i, 7);
  o.next_attempt_at = rows.optional_time(i, 8);
  o.execution_time_ms = rows.optional_int8(i, 9);
  o.worker = rows.text(i, 10);
  o.result = rows.json(i, 11);
  o.error = rows.json(i, 12);
  o.metadata = rows.json(i, 13);
  return o;
}

std::optional<step_state> read_state(const row_set& rows, int i, int column) {
  auto number = rows.optional_int2(i, column);
  if (!number)
    return std::nullopt;
  return static_cast<step_state>(*number);
}

task_fact read_fact(const row_set& rows, int i) {
  task_fact f;
  f.version = rows.int4(i, 1);
  f.kind = static_cast<fact_kind>(rows.int2(i, 2));
  f.number = static_cast<std::uint16_t>(rows.int4(i, 3));
  f.at = rows.time(i, 4);
  f.who = rows.text(i, 5);
  f.reason = rows.text(i, 6);
  f.from = read_state(rows, i, 7);
  f.to = read_state(rows, i, 8);
  f.data = rows.json(i, 9);
  return f;
}

step_checkpoint read_checkpoint(const row_set& rows, int i) {
  step_checkpoint c;
  c.number = static_cast<std::uint16_t>(rows.int4(i, 1));
  c.attempt = static_cast<std::uint16_t>(rows.int4(i, 2));
  c.version = rows.int4(i, 3);
  c.lease_nonce = static_cast<std::uint64_t>(rows.int8(i, 4));
  c.yielded = rows.boolean(i, 5);
  c.yields = static_cast<std::uint16_t>(rows.int4(i, 6));
  c.at = rows.time(i, 7);
  c.data = rows.json(i, 8);
  return c;
}

claim_row read_claim(const row_set& rows, int i) {
  claim_row c;
  c.number = static_cast<std::uint16_t>(rows.int4(i, 1));
  c.attempt = static_cast<std::uint16_t>(rows.int4(i, 2));
  c.yields = static_cast<std::uint16_t>(rows.int4(i, 3));
  c.epoch = static_cast<std::uint32_t>(rows.int8(i, 4));
  c.lease_nonce = static_cast<std::uint64_t>(rows.int8(i, 5));
  c.claimed_at = rows.time(i, 6);
  c.token_expires_at = rows.time(i, 7);
  c.expires_at = rows.time(i, 8);
  c.worker = rows.text(i, 9);
  return c;
}

/// Its attempt is over, or the worker gave the step back with a checkpoint.
bool has_ended(const task_rows& task, const claim_row& claim) {
  for (auto& c : task.checkpoints)
    if (c.number == claim.number && c.attempt == claim.attempt && c.yields > claim.yields)
      return true;
  for (auto& o : task.attempts)
    if (o.number == claim.number && o.attempt == claim.attempt)
      return true;
  return false;
}

/// Calls `take(task, row)` for each row of a task whose head is there.
template <class Take>
void distribute(const row_set& rows, rows_by_id& tasks, Take take) {
  for (int i = 0; i < rows.size(); ++i)
    if (auto found = tasks.find(rows.id(i, 0)); found != tasks.end())
      take(*found->second, i);
}

void take_attempt(task_rows& task, const row_set& rows, int i) {
  task.version = std::max(task.version, rows.int4(i, 3));
  if (rows.int2(i, 4) != 0) // else a note that there was a turn
    task.attempts.push_back(read_attempt(rows, i));
}

void take_claim(task_rows& task, const row_set& rows, int i) {
  if (auto claim = read_claim(rows, i); !has_ended(task, claim))
    task.claims.push_back(std::move(claim));
}

rows_by_id assemble(const row_sets& all) {
  auto& heads = all[1];
  auto& attempts = all[2];
  auto& facts = all[3];
  auto& checkpoints = all[4];
  auto& claims = all[5];
  rows_by_id tasks;
  for (int i = 0; i < heads.size(); ++i)
    tasks.emplace(heads.id(i, 0), read_head(heads, i));
  distribute(attempts, tasks, [&](task_rows& task, int i) { take_attempt(task, attempts, i); });
  distribute(facts, tasks, [&](task_rows& task, int i) { task.facts.push_back(read_fact(facts, i)); });
  distribute(checkpoints, tasks,
             [&](task_rows& task, int i) { task.checkpoints.push_back(read_checkpoint(checkpoints, i)); });
  distribute(claims, tasks, [&](task_rows& task, int i) { take_claim(task, claims, i); });
  return tasks;
}

} // namespace

calls load_tasks::encode(const units& batch) {
  std::vector<task_id> ids;
  for (auto* u : batch)
    ids.push_back(u->id);
  return read(ids);
}

outcomes<load_tasks> load_tasks::decode(const units& batch, const row_sets& rows) {
  auto tasks = assemble(rows);
  outcomes<load_tasks> all;
  for (auto* u : batch) {
    auto found = tasks.find(u->id);
    if (found == tasks.end())
      all.emplace_back(failure{errc::not_found, "no task " + to_string(u->id)});
    else
      all.emplace_back(task_rows_ptr{found->second});
  }
  return all;
}

std::size_t list_rows::weight(const unit& u) {
  return 64 + 16 * u.ids.size();
}

calls list_rows::encode(const units& batch) {
  std::vector<task_id> ids;
  for (auto* u : batch)
    ids.insert(ids.end(), u->ids.begin(), u->ids.end());
  return read(ids);
}

outcomes<list_rows> list_rows::decode(const units& batch, const row_sets& rows) {
  auto tasks = assemble(rows);
  outcomes<list_rows> all;
  for (auto* u : batch) {
    list_tasks_reply reply;
    reply.total_count = u->total_count;
    for (auto& id : u->ids)
      if (auto found = tasks.find(id); found != tasks.end())
        reply.tasks.push_back(found->second);
    all.emplace_back(std::move(reply));
  }
  return all;
}

} // namespace geartrain::db_op
