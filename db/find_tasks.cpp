#include "db/operations.hpp"

#include <algorithm>

// Pages of task ids: the open ones for recovery, any for a listing.

namespace geartrain::db_op {

namespace {

using enum pg_type;

std::vector<task_id> ids_of(const row_set& rows) {
  std::vector<task_id> ids;
  for (int i = 0; i < rows.size(); ++i)
    ids.push_back(rows.id(i, 0));
  return ids;
}

pg_array column_of(const std::vector<std::int16_t>& partitions) {
  pg_array column{int2};
  for (auto p : partitions)
    column.add(p);
  return column;
}

geartrain::uuid last_id() {
  geartrain::uuid id;
  id.bytes.fill(0xff);
  return id;
}

/// The two statements of a listing.
struct listing_statements {
  statement_id page;
  statement_id count;
};

/// The one led by the filter that leaves the least, as far as it can be told: a correlation id, tasks that are open or
/// ended badly (few among many), tags, an initiator, a template.
listing_statements statements_for(const list_tasks_unit& u) {
  using id = statement_id;
  if (u.correlation_id)
    return {id::list_page_correlation, id::list_count_correlation};
  if (u.state && !is_terminal(*u.state))
    return {id::list_page_open, id::list_count_open};
  if (u.state && *u.state != task_state::complete)
    return {id::list_page_ended_otherwise, id::list_count_ended_otherwise};
  if (!u.tags.empty())
    return {id::list_page_tags, id::list_count_tags};
  if (u.initiator)
    return {id::list_page_initiator, id::list_count_initiator};
  if (u.namespace_name || u.template_name || u.template_version)
    return {id::list_page_template, id::list_count_template};
  return {id::list_page_all, id::list_count_all};
}

/// The ids of a time of creation. A node makes a task's id a moment before it notes the time of creation, hence the
/// slack; the exact bounds are checked against that time.
constexpr std::chrono::minutes id_slack{10};

parameters filter_of(const list_tasks_unit& u, std::optional<task_id> before) {
  std::optional<std::int16_t> state;
  if (u.state)
    state = static_cast<std::int16_t>(*u.state);
  std::optional<std::string> tags;
  if (!u.tags.empty()) {
    pg_array column{text};
    for (auto& tag : u.tags)
      column.add(tag);
    tags = column.take();
  }
  auto from = u.created_from ? first_id_at(*u.created_from - id_slack) : task_id{};
  auto below = u.created_before ? first_id_at(*u.created_before + id_slack) : last_id();
  parameters values;
  values.add(u.namespace_name).add(u.template_name).add(u.template_version).add(state).add(u.initiator);
  values.add(u.source_system).add(u.correlation_id).add(tags).add(u.created_from).add(u.created_before).add(u.now);
  values.add(from).add(std::min(below, before.value_or(below)));
  return values;
}

} // namespace

task_id first_id_at(timestamp at) {
  auto ms = std::chrono::floor<milliseconds>(at.time_since_epoch()).count();
  task_id id;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(std::max<std::int64_t>(ms, 0) >> (40 - 8 * i));
  return id;
}

calls open_tasks::encode(const units& batch) {
  auto& u = *batch.front();
  parameters values;
  values.add(column_of(u.partitions)).add(u.after).add(std::int64_t{u.limit});
  calls all;
  all.push_back({statement_id::open_tasks, std::move(values)});
  return all;
}

outcomes<open_tasks> open_tasks::decode(const units&, const row_sets& rows) {
  outcomes<open_tasks> all;
  open_tasks_reply reply;
  for (int i = 0; i < rows[0].size(); ++i)
    reply.tasks.push_back({rows[0].id(i, 0), rows[0].int8(i, 1), rows[0].optional_time(i, 2)});
  all.emplace_back(std::move(reply));
  return all;
}

calls overdue_tasks::encode(const units& batch) {
  auto& u = *batch.front();
  parameters values;
  values.add(column_of(u.partitions)).add(u.now).add(timestamp{u.now - u.grace}).add(std::int64_t{u.limit});
  calls all;
  all.push_back({statement_id::overdue_tasks, std::move(values)});
  return all;
}

outcomes<overdue_tasks> overdue_tasks::decode(const units&, const row_sets& rows) {
  outcomes<overdue_tasks> all;
  all.emplace_back(overdue_tasks_reply{ids_of(rows[0])});
  return all;
}

calls list_tasks::encode(const units& batch) {
  auto& u = *batch.front();
  auto chosen = statements_for(u);
  auto page = filter_of(u, u.before);
  page.add(std::int64_t{u.limit}).add(std::int64_t{u.offset});
  calls all;
  all.push_back({chosen.page, std::move(page)});
  if (u.counted)
    all.push_back({chosen.count, filter_of(u, {})});
  return all;
}

outcomes<list_tasks> list_tasks::decode(const units& batch, const row_sets& rows) {
  list_rows_unit page{ids_of(rows[0]), 0};
  if (batch.front()->counted)
    page.total_count = static_cast<std::uint64_t>(rows[1].int8(0, 0));
  outcomes<list_tasks> all;
  if (page.ids.empty())
    all.emplace_back(list_tasks_reply{{}, page.total_count});
  else
    all.emplace_back(std::move(page));
  return all;
}

} // namespace geartrain::db_op
