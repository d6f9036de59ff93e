#include "db/operations.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

namespace geartrain::db_op {

namespace {

using enum pg_type;

/// The head rows of a batch.
struct head_columns {
  pg_array task{uuid}, version{int4}, head_version{int4}, state{int2}, total{int4}, completed{int4}, failed{int4},
    paused{boolean}, since{timestamptz}, due{timestamptz}, deadline{timestamptz}, closed{timestamptz}, now{timestamptz};

  void add(const turn_record& r) {
    task.add(r.task);
    version.add(r.expected_version + 1);
    head_version.add(r.head_version);
    state.add(static_cast<std::int16_t>(r.state));
    total.add(static_cast<std::int32_t>(r.steps_total));
    completed.add(static_cast<std::int32_t>(r.steps_completed));
    failed.add(static_cast<std::int32_t>(r.steps_failed));
    paused.add(r.paused);
    since.add(r.state_since);
    due.add(r.due_at);
    deadline.add(r.deadline_at);
    closed.add(r.completed_at);
    now.add(r.now);
  }

  void give(parameters& values) {
    for (auto* column : {&task, &version, &head_version, &state, &total, &completed, &failed, &paused, &since, &due,
                         &deadline, &closed, &now})
      values.add(std::move(*column));
  }
};

/// The columns of `attempts`, and beside them whether the turn of a row moves its head row.
struct attempt_columns {
  pg_array task{uuid}, version{int4}, seq{int4}, step{int4}, attempt{int4}, outcome{int2}, nonce{int8},
    claimed{timestamptz}, finished{timestamptz}, next{timestamptz}, duration{int8}, worker{text}, result{text},
    error{text}, metadata{text}, moves{boolean};

  /// What a turn appends; without an outcome a note that it happened.
  void add(const turn_record& r) {
    auto place = 0;
    for (auto& o : r.appended.outcomes)
      add(r, place++, o);
    if (place > 0)
      return;
    step_outcome none;
    none.outcome = attempt_outcome{0};
    none.claimed_at = none.finished_at = r.now;
    add(r, place, none);
  }

  void give(parameters& values) {
    for (auto* column : {&task, &version, &seq, &step, &attempt, &outcome, &nonce, &claimed, &finished, &next,
                         &duration, &worker, &result, &error, &metadata})
      values.add(std::move(*column));
  }

private:
  void add(const turn_record& r, std::int32_t place, const step_outcome& o) {
    task.add(r.task);
    version.add(r.expected_version + 1);
    seq.add(place);
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
    moves.add(r.writes_head);
  }
};

struct fact_columns {
  pg_array task{uuid}, seq{int4}, kind{int2}, step{int4}, at{timestamptz}, who{text}, reason{text}, from{int2},
    to{int2}, data{text};

  void add(const task_id& id, std::int32_t place, const task_fact& f) {
    task.add(id);
    seq.add(place);
    kind.add(static_cast<std::int16_t>(f.kind));
    step.add(std::int32_t{f.number});
    at.add(f.at);
    who.add(f.who);
    reason.add(f.reason);
    from.add(number_of_state(f.from));
    to.add(number_of_state(f.to));
    data.add(f.data);
  }

  void give(parameters& values) {
    for (auto* column : {&task, &seq, &kind, &step, &at, &who, &reason, &from, &to, &data})
      values.add(std::move(*column));
  }

private:
  static std::optional<std::int16_t> number_of_state(std::optional<step_state> state) {
    if (!state)
      return std::nullopt;
    return static_cast<std::int16_t>(*state);
  }
};

struct checkpoint_columns {
  pg_array task{uuid}, step{int4}, attempt{int4}, nonce{int8}, yielded{boolean}, yields{int4}, at{timestamptz},
    data{text};

  /// Of several checkpoints of one step the last one counts.
  void add(const task_id& id, const std::vector<step_checkpoint>& given) {
    std::map<std::uint16_t, const step_checkpoint*> last;
    for (auto& c : given)
      last[c.number] = &c;
    for (auto& [number, c] : last) {
      task.add(id);
      step.add(std::int32_t{number});
      attempt.add(std::int32_t{c->attempt});
      nonce.add(static_cast<std::int64_t>(c->lease_nonce));
      yielded.add(c->yielded);
      yields.add(std::int32_t{c->yields});
      at.add(c->at);
      data.add(c->data);
    }
  }

  void give(parameters& values) {
    for (auto* column : {&task, &step, &attempt, &nonce, &yielded, &yields, &at, &data})
      values.add(std::move(*column));
  }
};

struct letter_columns {
  pg_array task{uuid}, id{uuid}, reason{int2}, state{int2}, at{timestamptz}, snapshot{text}, metadata{text};

  void add(const task_id& of, const dead_letter& letter) {
    task.add(of);
    id.add(letter.id);
    reason.add(static_cast<std::int16_t>(letter.reason));
    state.add(static_cast<std::int16_t>(letter.original_state));
    at.add(letter.at);
    snapshot.add(letter.task_snapshot.view_or("{}"));
    metadata.add(letter.metadata);
  }

  void give(parameters& values) {
    for (auto* column : {&task, &id, &reason, &state, &at, &snapshot, &metadata})
      values.add(std::move(*column));
  }
};

struct event_columns {
  pg_array task{uuid}, step{int4}, name{text}, delivery{int2}, at{timestamptz}, payload{text};

  void add(const task_id& id, const domain_event& event) {
    task.add(id);
    step.add(std::int32_t{event.number});
    name.add(event.name);
    delivery.add(static_cast<std::int16_t>(event.delivery));
    at.add(event.at);
    payload.add(event.payload);
  }

  void give(parameters& values) {
    for (auto* column : {&task, &step, &name, &delivery, &at, &payload})
      values.add(std::move(*column));
  }
};

bool is_stored(const domain_event& event) {
  return event.delivery != delivery_mode::fast;
}

/// What only the longer of the two statements knows.
struct addition_columns {
  pg_array revives{boolean};
  fact_columns facts;
  checkpoint_columns checkpoints;
  letter_columns letters;
  event_columns events;

  void add(const turn_record& r) {
    revives.add(!r.appended.facts.empty());
    std::int32_t place = 0;
    for (auto& fact : r.appended.facts)
      facts.add(r.task, place++, fact);
    checkpoints.add(r.task, r.appended.checkpoints);
    for (auto& letter : r.appended.dead_letters)
      letters.add(r.task, letter);
    for (auto& event : r.appended.events)
      if (is_stored(event))
        events.add(r.task, event);
  }

  void give(parameters& values) {
    values.add(std::move(revives));
    facts.give(values);
    checkpoints.give(values);
    letters.give(values);
    events.give(values);
  }
};

bool has_additions(const turn_facts& facts) {
  return !facts.facts.empty() || !facts.checkpoints.empty() || !facts.dead_letters.empty() ||
         std::any_of(facts.events.begin(), facts.events.end(), is_stored);
}

std::size_t size_of(const json_text& text) {
  return text.view().size();
}

} // namespace

std::size_t commit_turns::weight(const unit& u) {
  auto& appended = u.record.appended;
  std::size_t bytes = 120;
  for (auto& o : appended.outcomes)
    bytes += 150 + o.worker.size() + size_of(o.result) + size_of(o.error) + size_of(o.metadata);
  for (auto& f : appended.facts)
    bytes += 100 + f.who.size() + f.reason.size() + size_of(f.data);
  for (auto& c : appended.checkpoints)
    bytes += 80 + size_of(c.data);
  for (auto& letter : appended.dead_letters)
    bytes += 100 + size_of(letter.task_snapshot) + size_of(letter.metadata);
  for (auto& event : appended.events)
    bytes += 80 + event.name.size() + size_of(event.payload);
  return bytes;
}

unit_keys commit_turns::keys(const unit& u) {
  return {std::hash<task_id>{}(u.record.task)};
}

std::optional<commit_turn_reply> commit_turns::expected_refusal(const sql_error& error) {
  if (error.state == "23505") // unique_violation: another turn has this version
    return commit_turn_reply{false};
  return std::nullopt;
}

namespace {

using sorted_turns = std::vector<const turn_record*>;

statement_call append(const sorted_turns& turns) {
  attempt_columns attempts;
  for (auto* r : turns)
    attempts.add(*r);
  parameters values;
  attempts.give(values);
  return {statement_id::append_turns, std::move(values)};
}

/// Some of these turns move their head rows.
statement_call commit(const sorted_turns& turns) {
  auto full = std::any_of(turns.begin(), turns.end(), [](auto* r) { return has_additions(r->appended); });
  head_columns heads;
  attempt_columns attempts;
  addition_columns additions;
  for (auto* r : turns) {
    attempts.add(*r);
    if (!r->writes_head)
      continue;
    heads.add(*r);
    if (full)
      additions.add(*r);
  }
  parameters values;
  heads.give(values);
  attempts.give(values);
  values.add(std::move(attempts.moves));
  if (full)
    additions.give(values);
  return {full ? statement_id::commit_full_turns : statement_id::commit_turns, std::move(values)};
}

} // namespace

calls commit_turns::encode(const units& batch) {
  sorted_turns turns;
  for (auto* u : batch)
    turns.push_back(&u->record);
  // Rows and keys are locked in one order everywhere.
  std::sort(turns.begin(), turns.end(), [](auto* a, auto* b) { return a->task < b->task; });
  auto moving = std::any_of(turns.begin(), turns.end(), [](auto* r) { return r->writes_head; });
  calls all;
  all.push_back(moving ? commit(turns) : append(turns));
  return all;
}

outcomes<commit_turns> commit_turns::decode(const units& batch, const row_sets& rows) {
  std::unordered_set<task_id> moved; // none if all turns append only
  for (int i = 0; i < rows[0].size(); ++i)
    moved.insert(rows[0].id(i, 0));
  outcomes<commit_turns> all;
  for (auto* u : batch)
    all.emplace_back(commit_turn_reply{!u->record.writes_head || moved.contains(u->record.task)});
  return all;
}

} // namespace geartrain::db_op
