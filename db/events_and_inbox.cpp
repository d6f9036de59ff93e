#include "db/operations.hpp"

// Durable events, pauses, and the inbox.

namespace geartrain::db_op {

// -- events ----------------------------------------------------------------------

calls read_events::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  all.push_back(
    {statement_id::read_events, parameters{}.add(u.after).add(u.namespace_name).add(std::int64_t{u.limit})});
  return all;
}

outcomes<read_events> read_events::decode(const units&, const row_sets& rows) {
  read_events_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    stored_event one;
    one.position = rows[0].int8(i, 0);
    one.task = rows[0].id(i, 1);
    one.namespace_name = rows[0].text(i, 2);
    one.event.number = static_cast<std::uint16_t>(rows[0].int4(i, 3));
    one.event.name = rows[0].text(i, 4);
    one.event.delivery = static_cast<delivery_mode>(rows[0].int2(i, 5));
    one.event.at = rows[0].time(i, 6);
    one.event.payload = rows[0].json(i, 7);
    reply.events.push_back(std::move(one));
  }
  outcomes<read_events> all;
  all.emplace_back(std::move(reply));
  return all;
}

// -- pauses ----------------------------------------------------------------------

calls set_pause::encode(const units& batch) {
  auto& u = *batch.front();
  parameters values;
  values.add(u.pause.namespace_name).add(u.pause.template_name);
  calls all;
  if (u.paused)
    all.push_back({statement_id::set_pause, values.add(u.pause.who).add(u.pause.reason).add(u.pause.since)});
  else
    all.push_back({statement_id::remove_pause, std::move(values)});
  return all;
}

outcomes<set_pause> set_pause::decode(const units&, const row_sets& rows) {
  outcomes<set_pause> all;
  all.emplace_back(unit_done{rows[0].touched()});
  return all;
}

calls read_pauses::encode(const units&) {
  calls all;
  all.push_back({statement_id::read_pauses, {}});
  return all;
}

outcomes<read_pauses> read_pauses::decode(const units&, const row_sets& rows) {
  read_pauses_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    pause_row row;
    row.namespace_name = rows[0].text(i, 0);
    row.template_name = rows[0].text(i, 1);
    row.who = rows[0].text(i, 2);
    row.reason = rows[0].text(i, 3);
    row.since = rows[0].time(i, 4);
    reply.rows.push_back(std::move(row));
  }
  outcomes<read_pauses> all;
  all.emplace_back(std::move(reply));
  return all;
}

// -- the inbox -------------------------------------------------------------------

calls read_inbox::encode(const units& batch) {
  calls all;
  all.push_back({statement_id::read_inbox, parameters{}.add(std::int64_t{batch.front()->limit})});
  return all;
}

outcomes<read_inbox> read_inbox::decode(const units&, const row_sets& rows) {
  read_inbox_reply reply;
  for (int i = 0; i < rows[0].size(); ++i) {
    inbox_row row;
    row.id = rows[0].id(i, 0);
    row.namespace_name = rows[0].text(i, 1);
    row.name = rows[0].text(i, 2);
    row.version = rows[0].optional_text(i, 3);
    row.context = rows[0].json(i, 4);
    row.options = rows[0].json(i, 5);
    row.requested_at = rows[0].time(i, 6);
    reply.rows.push_back(std::move(row));
  }
  outcomes<read_inbox> all;
  all.emplace_back(std::move(reply));
  return all;
}

std::size_t settle_inbox::weight(const unit& u) {
  return u.refused ? 128 + u.refused->task_snapshot.view().size() + u.refused->metadata.view().size() : 64;
}

calls settle_inbox::encode(const units& batch) {
  auto& u = *batch.front();
  auto letter = u.refused.value_or(dead_letter{});
  std::optional<uuid> id;
  if (u.refused)
    id = letter.id;
  parameters values;
  values.add(u.id).add(id).add(static_cast<std::int16_t>(letter.reason));
  values.add(static_cast<std::int16_t>(letter.original_state)).add(letter.at);
  values.add(letter.task_snapshot.view_or("{}")).add(letter.metadata);
  calls all;
  all.push_back({statement_id::settle_inbox, std::move(values)});
  return all;
}

outcomes<settle_inbox> settle_inbox::decode(const units&, const row_sets& rows) {
  outcomes<settle_inbox> all;
  all.emplace_back(unit_done{static_cast<std::uint32_t>(rows[0].size())});
  return all;
}

} // namespace geartrain::db_op
