#include "db/operations.hpp"

// Cases for operators, and the tasks that may become some.

namespace geartrain::db_op {

namespace {

template <class T>
std::int16_t number_of(T value) {
  return static_cast<std::int16_t>(value);
}

/// The columns that every statement about cases begins with.
dead_letter_row read_letter(const row_set& rows, int i) {
  dead_letter_row row;
  row.letter.id = rows.id(i, 0);
  row.task = rows.optional_id(i, 1);
  row.letter.reason = static_cast<dead_letter_reason>(rows.int2(i, 2));
  row.letter.original_state = static_cast<task_state>(rows.int2(i, 3));
  row.letter.at = rows.time(i, 4);
  row.status = static_cast<resolution_status>(rows.int2(i, 5));
  row.updated_at = rows.time(i, 6);
  row.resolved_at = rows.optional_time(i, 7);
  row.notes = rows.text(i, 8);
  row.resolved_by = rows.text(i, 9);
  row.letter.task_snapshot = rows.json(i, 10);
  row.letter.metadata = rows.json(i, 11);
  return row;
}

std::size_t weight_of(const dead_letter& letter) {
  return 128 + letter.task_snapshot.view().size() + letter.metadata.view().size();
}

} // namespace

// -- cases -----------------------------------------------------------------------

calls list_dead_letters::encode(const units& batch) {
  auto& u = *batch.front();
  std::optional<std::int16_t> status;
  if (u.status)
    status = number_of(*u.status);
  parameters values;
  values.add(status).add(std::int64_t{u.limit}).add(std::int64_t{u.offset});
  calls all;
  if (u.task || u.id) {
    values.add(u.task).add(u.id);
    all.push_back({statement_id::dead_letters_of, std::move(values)});
  } else {
    all.push_back({statement_id::list_dead_letters, std::move(values)});
  }
  return all;
}

outcomes<list_dead_letters> list_dead_letters::decode(const units&, const row_sets& rows) {
  list_dead_letters_reply reply;
  for (int i = 0; i < rows[0].size(); ++i)
    reply.rows.push_back(read_letter(rows[0], i));
  outcomes<list_dead_letters> all;
  all.emplace_back(std::move(reply));
  return all;
}

std::size_t add_dead_letter::weight(const unit& u) {
  return weight_of(u.letter);
}

calls add_dead_letter::encode(const units& batch) {
  auto& u = *batch.front();
  parameters values;
  values.add(u.task).add(u.letter.id).add(number_of(u.letter.reason)).add(number_of(u.letter.original_state));
  values.add(u.letter.at).add(u.letter.task_snapshot.view_or("{}")).add(u.letter.metadata);
  calls all;
  all.push_back({statement_id::add_dead_letter, std::move(values)});
  return all;
}

outcomes<add_dead_letter> add_dead_letter::decode(const units&, const row_sets& rows) {
  outcomes<add_dead_letter> all;
  all.emplace_back(unit_done{rows[0].touched()});
  return all;
}

std::size_t update_dead_letter::weight(const unit& u) {
  return 128 + u.notes.value_or("").size() + u.metadata.view().size();
}

calls update_dead_letter::encode(const units& batch) {
  auto& u = *batch.front();
  std::optional<std::int16_t> status;
  if (u.status)
    status = number_of(*u.status);
  parameters values;
  values.add(u.id).add(status).add(u.notes).add(u.resolved_by).add(u.metadata).add(u.now);
  calls all;
  all.push_back({statement_id::update_dead_letter, std::move(values)});
  all.push_back({statement_id::dead_letter_exists, parameters{}.add(u.id)});
  return all;
}

outcomes<update_dead_letter> update_dead_letter::decode(const units& batch, const row_sets& rows) {
  outcomes<update_dead_letter> all;
  if (rows[0].touched() > 0)
    all.emplace_back(unit_done{rows[0].touched()});
  else if (rows[1].size() > 0)
    all.emplace_back(failure{errc::conflict, "the task has another dead letter that is pending"});
  else
    all.emplace_back(failure{errc::not_found, "no dead letter " + to_string(batch.front()->id)});
  return all;
}

// -- overviews -------------------------------------------------------------------

calls dead_letter_stats::encode(const units& batch) {
  calls all;
  all.push_back({statement_id::dead_letter_stats, parameters{}.add(batch.front()->now)});
  return all;
}

outcomes<dead_letter_stats> dead_letter_stats::decode(const units&, const row_sets& rows) {
  auto count = [&](int i, int column) { return static_cast<std::uint64_t>(rows[0].int8(i, column)); };
  dead_letter_stats_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    dead_letter_figures figures;
    figures.reason = static_cast<dead_letter_reason>(rows[0].int2(i, 0));
    figures.total = count(i, 1);
    figures.pending = count(i, 2);
    figures.manually_resolved = count(i, 3);
    figures.permanently_failed = count(i, 4);
    figures.cancelled = count(i, 5);
    figures.oldest = rows[0].optional_time(i, 6);
    figures.newest = rows[0].optional_time(i, 7);
    figures.average_resolution_minutes = rows[0].optional_float8(i, 8);
    reply.rows.push_back(figures);
  }
  outcomes<dead_letter_stats> all;
  all.emplace_back(std::move(reply));
  return all;
}

calls investigation_queue::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  all.push_back({statement_id::investigation_queue, parameters{}.add(u.now).add(std::int64_t{u.limit})});
  return all;
}

outcomes<investigation_queue> investigation_queue::decode(const units&, const row_sets& rows) {
  investigation_queue_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    investigation one;
    one.row = read_letter(rows[0], i);
    one.namespace_name = rows[0].text(i, 12);
    one.task_name = rows[0].text(i, 13);
    one.current_state = static_cast<task_state>(rows[0].int2(i, 14));
    one.minutes_in_state = rows[0].float8(i, 15);
    one.minutes_in_dlq = rows[0].float8(i, 16);
    one.priority_score = rows[0].float8(i, 17);
    reply.rows.push_back(std::move(one));
  }
  outcomes<investigation_queue> all;
  all.emplace_back(std::move(reply));
  return all;
}

calls staleness::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  all.push_back({statement_id::staleness, parameters{}.add(u.now).add(std::int64_t{u.limit})});
  return all;
}

outcomes<staleness> staleness::decode(const units&, const row_sets& rows) {
  staleness_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    staleness_row row;
    row.task = rows[0].id(i, 0);
    row.namespace_name = rows[0].text(i, 1);
    row.task_name = rows[0].text(i, 2);
    row.state = static_cast<task_state>(rows[0].int2(i, 3));
    row.priority = rows[0].int2(i, 4);
    row.created_at = rows[0].time(i, 5);
    row.state_since = rows[0].time(i, 6);
    row.deadline_at = rows[0].optional_time(i, 7);
    reply.rows.push_back(std::move(row));
  }
  outcomes<staleness> all;
  all.emplace_back(std::move(reply));
  return all;
}

} // namespace geartrain::db_op
