#include "db/operations.hpp"

#include <algorithm>
#include <unordered_map>

namespace geartrain::db_op {

namespace {

using enum pg_type;

std::unordered_map<task_id, int> rows_by_task(const row_set& rows) {
  std::unordered_map<task_id, int> row_of;
  for (int i = 0; i < rows.size(); ++i)
    row_of.emplace(rows.id(i, 0), i);
  return row_of;
}

bool is_plain(const create_task_unit& u) {
  return !u.identity_hash && !u.inbox_request;
}

/// The statement that stores all of these; `careful`: also if some of them were stored before.
calls creation_of(create_tasks::units batch, bool careful) {
  // Keys are taken in one order everywhere.
  std::sort(batch.begin(), batch.end(), [](auto* a, auto* b) { return a->id < b->id; });
  pg_array task{uuid}, part{int2}, definition{int8}, state{int2}, priority{int2}, steps{int4}, created{timestamptz},
    due{timestamptz}, deadline{timestamptz}, context{text}, initiator{text}, source{text}, reason{text}, tags{text},
    correlation{uuid}, parent{uuid}, requested{timestamptz}, start{timestamptz}, identity{bytea}, expires{timestamptz},
    request{uuid};
  auto now = batch.front()->now; // the earliest of all: what has not expired for one is not taken from it by another
  for (auto* u : batch) {
    auto& input = *u->input;
    now = std::min(now, u->now);
    task.add(u->id);
    part.add(static_cast<std::int16_t>(partition_of(u->id)));
    definition.add(u->template_id);
    state.add(static_cast<std::int16_t>(u->state));
    priority.add(input.priority);
    steps.add(static_cast<std::int32_t>(u->steps_total));
    created.add(u->now);
    due.add(u->due_at);
    deadline.add(u->deadline_at);
    context.add(input.context.view_or("{}"));
    initiator.add(input.initiator);
    source.add(input.source_system);
    reason.add(input.reason);
    tags.add(text_array_literal(input.tags));
    correlation.add(input.correlation_id);
    parent.add(input.parent_correlation_id);
    requested.add(input.requested_at);
    start.add(input.start_at);
    identity.add(u->identity_hash);
    expires.add(u->identity_expires_at);
    request.add(u->inbox_request);
  }
  auto values =
    parameters_of({&task, &part, &definition, &state, &priority, &steps, &created, &due, &deadline, &context,
                   &initiator, &source, &reason, &tags, &correlation, &parent, &requested, &start});
  auto plain = !careful && std::all_of(batch.begin(), batch.end(), [](auto* u) { return is_plain(*u); });
  if (!plain)
    values.add(std::move(identity)).add(std::move(expires)).add(std::move(request)).add(now);
  calls all;
  all.push_back({plain ? statement_id::create_plain_tasks : statement_id::create_tasks, std::move(values)});
  return all;
}

create_tasks::units pointers_to(const create_many::units& batch) {
  create_tasks::units all;
  for (auto* u : batch)
    for (auto& creation : *u->creations)
      all.push_back(&creation);
  return all;
}

/// The statement for plain tasks makes them all, and says nothing.
bool all_made(const row_sets& rows) {
  return rows[0].size() == 0;
}

/// What became of one of them, or what is still to be done for it.
outcome<create_tasks> outcome_of(const create_task_unit& u, const row_set& rows, int row) {
  auto created = rows.boolean(row, 1);
  auto holder = rows.optional_id(row, 2);
  auto wanted = rows.boolean(row, 3);
  // Wanted, not created and without an identity: the same unit was written before, for only its own id could be in the way.
  if (created || (wanted && !u.identity_hash) || holder == u.id)
    return create_task_reply{true, {}};
  if (wanted && holder)
    return create_task_reply{false, *holder};
  holder_unit second{u};
  if (wanted)
    second.creation.inbox_request.reset(); // taken, and with it the right to create the task
  return second;
}

} // namespace

std::size_t create_tasks::weight(const unit& u) {
  auto& input = *u.input;
  auto bytes = 300 + input.context.view().size() + input.reason.size();
  for (auto& tag : input.tags)
    bytes += tag.size();
  return bytes;
}

unit_keys create_tasks::keys(const unit& u) {
  unit_keys all{std::hash<task_id>{}(u.id)};
  if (u.identity_hash)
    all.push_back(std::hash<std::string>{}(*u.identity_hash));
  if (u.inbox_request)
    all.push_back(std::hash<geartrain::uuid>{}(*u.inbox_request));
  return all;
}

calls create_tasks::encode(const units& batch) {
  return creation_of(batch, false);
}

calls create_tasks::encode_careful(const units& batch) {
  return creation_of(batch, true);
}

outcomes<create_tasks> create_tasks::decode(const units& batch, const row_sets& rows) {
  if (all_made(rows))
    return outcomes<create_tasks>(batch.size(), create_task_reply{true, {}});
  auto row_of = rows_by_task(rows[0]);
  outcomes<create_tasks> all;
  for (auto* u : batch) {
    auto found = row_of.find(u->id);
    if (found == row_of.end())
      all.emplace_back(failure{errc::storage, "the creation of the task left no answer"});
    else
      all.push_back(outcome_of(*u, rows[0], found->second));
  }
  return all;
}

std::size_t create_many::weight(const unit& u) {
  std::size_t bytes = 0;
  for (auto& creation : *u.creations)
    bytes += create_tasks::weight(creation);
  return bytes;
}

std::size_t create_many::rows(const unit& u) {
  return u.creations->size();
}

unit_keys create_many::keys(const unit& u) {
  unit_keys all;
  for (auto& creation : *u.creations)
    if (creation.identity_hash)
      all.push_back(std::hash<std::string>{}(*creation.identity_hash));
  return all;
}

calls create_many::encode(const units& batch) {
  return creation_of(pointers_to(batch), false);
}

calls create_many::encode_careful(const units& batch) {
  return creation_of(pointers_to(batch), true);
}

outcomes<create_many> create_many::decode(const units& batch, const row_sets& rows) {
  auto row_of = rows_by_task(rows[0]);
  outcomes<create_many> all;
  for (auto* u : batch) {
    create_tasks_reply reply;
    reply.outcomes.resize(u->creations->size());
    for (std::size_t i = 0; i < reply.outcomes.size(); ++i) {
      auto& creation = (*u->creations)[i];
      if (all_made(rows))
        reply.outcomes[i] = create_task_reply{true, {}};
      auto found = row_of.find(creation.id);
      if (found == row_of.end())
        continue;
      auto outcome = outcome_of(creation, rows[0], found->second);
      if (auto* settled = std::get_if<create_task_reply>(&outcome))
        reply.outcomes[i] = *settled;
    }
    all.emplace_back(std::move(reply));
  }
  return all;
}

std::size_t find_holders::weight(const unit& u) {
  return create_tasks::weight(u.creation);
}

calls find_holders::encode(const units& batch) {
  pg_array task{uuid}, identity{bytea};
  auto now = batch.front()->creation.now;
  for (auto* u : batch) {
    now = std::min(now, u->creation.now);
    task.add(u->creation.id);
    identity.add(u->creation.identity_hash);
  }
  auto values = parameters_of({&task, &identity});
  values.add(now);
  calls all;
  all.push_back({statement_id::find_holders, std::move(values)});
  return all;
}

outcomes<find_holders> find_holders::decode(const units& batch, const row_sets& rows) {
  auto row_of = rows_by_task(rows[0]);
  outcomes<find_holders> all;
  for (auto* u : batch) {
    auto found = row_of.find(u->creation.id);
    if (found == row_of.end()) {
      all.emplace_back(failure{errc::storage, "the creation of the task left no answer"});
      continue;
    }
    auto created = rows[0].boolean(found->second, 1);
    auto holder = rows[0].optional_id(found->second, 2);
    if (created || holder == u->creation.id)
      all.emplace_back(create_task_reply{true, {}}); // an earlier try of the same unit
    else if (u->creation.inbox_request)
      all.emplace_back(create_task_reply{false, {}}); // somebody else took the request
    else if (holder)
      all.emplace_back(create_task_reply{false, *holder});
    else
      all.emplace_back(u->creation);
  }
  return all;
}

} // namespace geartrain::db_op
