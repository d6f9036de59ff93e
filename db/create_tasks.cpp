#include "db/operations.hpp"

#include <unordered_map>

namespace geartrain::db_op {

namespace {

using enum pg_type;

} // namespace

std::size_t create_tasks::weight(const unit& u) {
  auto& input = *u.input;
  auto bytes = 300 + input.context.view().size() + input.reason.size();
  for (auto& tag : input.tags)
    bytes += tag.size();
  return bytes;
}

std::vector<std::string> create_tasks::keys(const unit& u) {
  std::vector<std::string> all{{reinterpret_cast<const char*>(u.id.bytes.data()), 16}};
  if (u.identity_hash)
    all.push_back(*u.identity_hash);
  return all;
}

calls create_tasks::encode(const units& batch) {
  pg_array task{uuid}, part{int2}, definition{int8}, state{int2}, priority{int2}, steps{int4}, created{timestamptz},
    identity{bytea}, context{text}, initiator{text}, source{text}, reason{text}, tags{text}, correlation{uuid},
    parent{uuid}, requested{timestamptz};
  for (auto* u : batch) {
    auto& input = *u->input;
    task.add(u->id);
    part.add(static_cast<std::int16_t>(partition_of(u->id)));
    definition.add(u->template_id);
    state.add(static_cast<std::int16_t>(u->state));
    priority.add(input.priority);
    steps.add(static_cast<std::int32_t>(u->steps_total));
    created.add(u->now);
    identity.add(u->identity_hash);
    context.add(input.context.view_or("{}"));
    initiator.add(input.initiator);
    source.add(input.source_system);
    reason.add(input.reason);
    tags.add(text_array_literal(input.tags));
    correlation.add(input.correlation_id);
    parent.add(input.parent_correlation_id);
    requested.add(input.requested_at);
  }
  parameters values;
  for (auto* column : {&task, &part, &definition, &state, &priority, &steps, &created, &identity, &context, &initiator,
                       &source, &reason, &tags, &correlation, &parent, &requested})
    values.add(std::move(*column));
  calls all;
  all.push_back({statement_id::create_tasks, std::move(values)});
  return all;
}

outcomes<create_tasks> create_tasks::decode(const units& batch, const row_sets& rows) {
  std::unordered_map<task_id, int> row_of;
  for (int i = 0; i < rows[0].size(); ++i)
    row_of.emplace(rows[0].id(i, 0), i);
  outcomes<create_tasks> all;
  for (auto* u : batch) {
    auto found = row_of.find(u->id);
    if (found == row_of.end()) {
      all.emplace_back(failure{errc::storage, "the creation of the task left no answer"});
      continue;
    }
    auto created = rows[0].boolean(found->second, 1);
    auto holder = rows[0].optional_id(found->second, 2);
    // Neither created nor an identity: the same unit was written before, for only its own id could be in the way.
    if (created || !u->identity_hash || holder == u->id)
      all.emplace_back(create_task_reply{true, {}});
    else if (holder)
      all.emplace_back(create_task_reply{false, *holder});
    else
      all.emplace_back(holder_unit{*u});
  }
  return all;
}

std::size_t find_holders::weight(const unit& u) {
  return create_tasks::weight(u.creation);
}

calls find_holders::encode(const units& batch) {
  pg_array hashes{bytea};
  for (auto* u : batch)
    hashes.add(u->creation.identity_hash);
  calls all;
  all.push_back({statement_id::find_holders, parameters{}.add(std::move(hashes))});
  return all;
}

outcomes<find_holders> find_holders::decode(const units& batch, const row_sets& rows) {
  std::unordered_map<std::string, task_id> holders;
  for (int i = 0; i < rows[0].size(); ++i)
    holders.emplace(rows[0].text(i, 0), rows[0].id(i, 1));
  outcomes<find_holders> all;
  for (auto* u : batch) {
    auto found = holders.find(u->creation.identity_hash.value_or(std::string{}));
    if (found == holders.end())
      all.emplace_back(u->creation);
    else if (found->second == u->creation.id)
      all.emplace_back(create_task_reply{true, {}});
    else
      all.emplace_back(create_task_reply{false, found->second});
  }
  return all;
}

} // namespace geartrain::db_op
