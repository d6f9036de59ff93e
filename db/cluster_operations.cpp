#include "db/operations.hpp"

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>

// Beats of a node and what belongs to them.

namespace geartrain::db_op {

namespace {

using enum pg_type;

std::optional<node_id> unless_nil(const node_id& id) {
  return id.is_nil() ? std::nullopt : std::optional{id};
}

member member_of(const row_set& rows, int i) {
  member one;
  one.id = rows.id(i, 1);
  one.name = rows.text(i, 4);
  one.address = rows.text(i, 5);
  one.url = rows.text(i, 6);
  one.wire = static_cast<std::uint32_t>(rows.int4(i, 7));
  one.draining = rows.boolean(i, 8);
  one.process.host = rows.text(i, 10);
  one.process.pid = rows.int8(i, 11);
  one.process.started = rows.int8(i, 12);
  one.joined_at = rows.time(i, 13);
  one.alive = rows.boolean(i, 14);
  one.silent_for = milliseconds{rows.int8(i, 15)};
  return one;
}

/// What the rows of all kinds say together; `self` nil: nobody in particular.
beat_reply reply_of(const row_set& rows, const node_id& self) {
  enum kind : std::int16_t { of_member = 1, partition_before = 2, partition_moved = 3, touched_task = 4 };
  beat_reply reply;
  auto& view = reply.view;
  for (int i = 0; i < rows.size(); ++i) {
    switch (rows.int2(i, 0)) {
      case of_member:
        view.members.push_back(member_of(rows, i));
        if (view.members.back().id == self)
          reply.drain_asked = rows.boolean(i, 9);
        break;
      case partition_before:
      case partition_moved: {
        auto number = static_cast<std::uint16_t>(rows.int2(i, 2));
        const partition_lease told{rows.optional_id(i, 1).value_or(node_id{}), rows.int8(i, 3)};
        if (number < partition_count && told.term >= view.partitions[number].term)
          view.partitions[number] = told;
        break;
      }
      case touched_task:
        reply.touched.push_back(rows.id(i, 1));
        break;
    }
  }
  std::ranges::sort(view.members, {}, &member::id);
  return reply;
}

} // namespace

std::size_t beat::weight(const unit& u) {
  return 256 + 32 * u.moves.size() + 16 * u.ended.size();
}

calls beat::encode(const units& batch) {
  auto& u = *batch.front();
  auto moves = u.moves;
  std::ranges::sort(moves, {}, &partition_move::partition);
  pg_array ended{uuid}, partition{int2}, term{int8}, to{uuid};
  for (auto& id : u.ended)
    ended.add(id);
  for (auto& move : moves) {
    partition.add(static_cast<std::int16_t>(move.partition));
    term.add(move.term);
    to.add(unless_nil(move.to));
  }
  auto& self = u.self;
  parameters values;
  values.add(self.id).add(self.name).add(self.address).add(self.url).add(static_cast<std::int32_t>(self.wire));
  values.add(self.draining).add(self.process.host).add(self.process.pid).add(self.process.started);
  values.add(self.joined_at).add(std::int64_t{u.valid_for.count()});
  values.add(std::move(ended)).add(std::move(partition)).add(std::move(term)).add(std::move(to));
  calls all;
  all.push_back({statement_id::beat, std::move(values)});
  return all;
}

outcomes<beat> beat::decode(const units& batch, const row_sets& rows) {
  outcomes<beat> all;
  all.emplace_back(reply_of(rows[0], batch.front()->self.id));
  return all;
}

calls leave::encode(const units& batch) {
  calls all;
  all.push_back({statement_id::leave, parameters{}.add(batch.front()->id)});
  return all;
}

outcomes<leave> leave::decode(const units&, const row_sets& rows) {
  outcomes<leave> all;
  all.emplace_back(unit_done{rows[0].touched()});
  return all;
}

std::size_t touch_tasks::weight(const unit& u) {
  return 32 + 24 * u.ids.size();
}

calls touch_tasks::encode(const units& batch) {
  std::set<std::pair<std::uint16_t, task_id>> keys;
  for (auto* u : batch)
    for (auto& id : u->ids)
      keys.emplace(partition_of(id), id);
  pg_array partition{int2}, task{uuid};
  for (auto& [of_partition, id] : keys) {
    partition.add(static_cast<std::int16_t>(of_partition));
    task.add(id);
  }
  calls all;
  all.push_back({statement_id::touch_tasks, parameters_of({&partition, &task})});
  return all;
}

outcomes<touch_tasks> touch_tasks::decode(const units& batch, const row_sets&) {
  outcomes<touch_tasks> all;
  for (auto* u : batch)
    all.emplace_back(unit_done{static_cast<std::uint32_t>(u->ids.size())});
  return all;
}

calls ask_drain::encode(const units& batch) {
  auto& u = *batch.front();
  calls all;
  all.push_back({statement_id::ask_drain, parameters{}.add(u.name).add(u.drain)});
  return all;
}

outcomes<ask_drain> ask_drain::decode(const units&, const row_sets& rows) {
  outcomes<ask_drain> all;
  all.emplace_back(unit_done{rows[0].touched()});
  return all;
}

calls read_cluster::encode(const units&) {
  calls all;
  all.push_back({statement_id::read_cluster, {}});
  return all;
}

outcomes<read_cluster> read_cluster::decode(const units& batch, const row_sets& rows) {
  return outcomes<read_cluster>(batch.size(), reply_of(rows[0], {}).view);
}

} // namespace geartrain::db_op
