#include "db/operations.hpp"

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

parameters filter_of(const list_tasks_unit& u) {
  std::optional<std::int16_t> state;
  if (u.state)
    state = static_cast<std::int16_t>(*u.state);
  parameters values;
  values.add(u.namespace_name).add(state).add(u.initiator).add(u.source_system).add(u.now);
  return values;
}

} // namespace

calls open_tasks::encode(const units& batch) {
  auto& u = *batch.front();
  pg_array partitions{int2};
  for (auto p : u.partitions)
    partitions.add(p);
  parameters values;
  values.add(std::move(partitions)).add(u.after).add(std::int64_t{u.limit});
  calls all;
  all.push_back({statement_id::open_tasks, std::move(values)});
  return all;
}

outcomes<open_tasks> open_tasks::decode(const units&, const row_sets& rows) {
  outcomes<open_tasks> all;
  all.emplace_back(open_tasks_reply{ids_of(rows[0])});
  return all;
}

calls list_tasks::encode(const units& batch) {
  auto& u = *batch.front();
  auto page = filter_of(u);
  page.add(u.before).add(std::int64_t{u.limit}).add(std::int64_t{u.offset});
  calls all;
  all.push_back({statement_id::list_page, std::move(page)});
  all.push_back({statement_id::list_count, filter_of(u)});
  return all;
}

outcomes<list_tasks> list_tasks::decode(const units&, const row_sets& rows) {
  list_rows_unit page{ids_of(rows[0]), static_cast<std::uint64_t>(rows[1].int8(0, 0))};
  outcomes<list_tasks> all;
  if (page.ids.empty())
    all.emplace_back(list_tasks_reply{{}, page.total_count});
  else
    all.emplace_back(std::move(page));
  return all;
}

} // namespace geartrain::db_op
