#include "db/operations.hpp"

#include <algorithm>
#include <unordered_set>

namespace geartrain::db_op {

namespace {

using enum pg_type;

std::int16_t number_of_state(task_state state) {
  return static_cast<std::int16_t>(state);
}

/// The columns of `attempts` that the outcomes of a batch fill; the version comes from the head row.
struct attempt_columns {
  pg_array task{uuid}, step{int4}, attempt{int4}, outcome{int2}, nonce{int8}, claimed{timestamptz},
    finished{timestamptz}, next{timestamptz}, duration{int8}, worker{text}, result{text}, error{text}, metadata{text};

  void add(const task_id& id, const step_outcome& o) {
    task.add(id);
    step.add(std::int32_t{o.number});
    attempt.add(std::int32_t{o.attempt});
    outcome.add(static_cast<std::int16_t>(o.outcome));
    nonce.add(static_cast<std::int64_t>(o.lease_nonce));
    claimed.add(o.claimed_at);
    finished.add(o.finished_at);
    next.add(o.next_attempt_at);
    duration.add(o.execution_time_ms);
    worker.add(o.worker);
    result.add(o.result);
    error.add(o.error);
    metadata.add(o.metadata);
  }
};

} // namespace

std::size_t commit_turns::weight(const unit& u) {
  std::size_t bytes = 100;
  for (auto& o : u.record.outcomes)
    bytes += 150 + o.worker.size() + o.result.view().size() + o.error.view().size() + o.metadata.view().size();
  return bytes;
}

std::vector<std::string> commit_turns::keys(const unit& u) {
  return {std::string{reinterpret_cast<const char*>(u.record.task.bytes.data()), 16}};
}

calls commit_turns::encode(const units& batch) {
  auto sorted = batch; // row locks are taken in one order everywhere
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->record.task < b->record.task; });
  pg_array task{uuid}, version{int4}, state{int2}, completed{int4}, failed{int4}, due{timestamptz}, closed{timestamptz},
    now{timestamptz};
  attempt_columns attempts;
  for (auto* u : sorted) {
    auto& r = u->record;
    task.add(r.task);
    version.add(r.expected_version);
    state.add(number_of_state(r.state));
    completed.add(static_cast<std::int32_t>(r.steps_completed));
    failed.add(static_cast<std::int32_t>(r.steps_failed));
    due.add(r.due_at);
    closed.add(r.completed_at);
    now.add(r.now);
    for (auto& o : r.outcomes)
      attempts.add(r.task, o);
  }
  parameters values;
  for (auto* column : {&task,
                       &version,
                       &state,
                       &completed,
                       &failed,
                       &due,
                       &closed,
                       &now,
                       &attempts.task,
                       &attempts.step,
                       &attempts.attempt,
                       &attempts.outcome,
                       &attempts.nonce,
                       &attempts.claimed,
                       &attempts.finished,
                       &attempts.next,
                       &attempts.duration,
                       &attempts.worker,
                       &attempts.result,
                       &attempts.error,
                       &attempts.metadata})
    values.add(std::move(*column));
  calls all;
  all.push_back({statement_id::commit_turns, std::move(values)});
  return all;
}

outcomes<commit_turns> commit_turns::decode(const units& batch, const row_sets& rows) {
  std::unordered_set<task_id> committed;
  for (int i = 0; i < rows[0].size(); ++i)
    committed.insert(rows[0].id(i, 0));
  outcomes<commit_turns> all;
  for (auto* u : batch)
    all.emplace_back(commit_turn_reply{committed.contains(u->record.task)});
  return all;
}

} // namespace geartrain::db_op
