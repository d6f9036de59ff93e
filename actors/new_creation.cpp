#include "actors/new_creation.hpp"

#include "workflow/identity.hpp"
#include "workflow/turn.hpp"

#include <algorithm>
#include <unordered_map>

namespace geartrain {

namespace {

// How often an id of an own partition is looked for.
constexpr int most_tries = 256;

/// False if the request lacks the key that its strategy needs.
bool identify(const create_task& task, const task_template& definition, std::optional<std::string>& hash) {
  if (task.idempotency_key) {
    hash = identity_hash_of_key(definition.namespace_name, definition.name, *task.idempotency_key);
    return true;
  }
  switch (task.identity.value_or(definition.identity)) {
    case identity_strategy::strict:
      hash = identity_hash(definition.namespace_name, definition.name, task.input.context.view());
      return true;
    case identity_strategy::always_unique:
      return true;
    case identity_strategy::caller_provided:
      return false;
  }
  return false;
}

} // namespace

judged_creation judge_creation(const engine& engine, create_task& asked, const catalog_entry& entry, const task_id& id,
                               timestamp now) {
  auto& definition = *entry.definition;
  if (entry.validator)
    if (auto found = entry.validator->validate(asked.input.context.view()); !found.empty())
      return context_refused{std::move(found)};
  create_task_unit unit;
  if (!identify(asked, definition, unit.identity_hash))
    return failure{errc::invalid, "identity strategy caller_provided needs an idempotency_key"};
  unit.id = id;
  unit.template_id = definition.id;
  unit.inbox_request = asked.inbox_request;
  if (asked.identity_ttl && unit.identity_hash)
    unit.identity_expires_at = now + *asked.identity_ttl;
  asked.input.requested_at = now;
  unit.input = input_snapshot{std::move(asked.input)};
  unit.now = now;
  auto context = new_task(id, entry.definition, unit.input, now);
  unit.state = context->state;
  unit.steps_total = context->existing_steps();
  if (context->state == task_state::pending)
    unit.due_at = context->input->start_at;
  unit.deadline_at = deadline_of(*context, engine.settings.rules.staleness, unit.due_at);
  context->head = {0, unit.state, false, now, unit.due_at, unit.deadline_at};
  return new_creation{std::move(unit), std::move(context)};
}

task_id make_own_task_id(const engine& engine, timestamp now) {
  auto id = make_task_id(now.time_since_epoch(), engine.random());
  // Of a cluster of n nodes every n-th id is one of this node's.
  for (int tries = 1; tries < most_tries && !engine.actors->cluster().serves(id); ++tries)
    id = make_task_id(now.time_since_epoch(), engine.random());
  return id;
}

std::vector<task_id> make_task_ids(const engine& engine, std::size_t count, timestamp now) {
  std::vector<task_id> ids(count);
  do { // 46 random bits: two equal ones in a call are unlikely, not impossible
    for (auto& id : ids)
      id = make_own_task_id(engine, now);
    std::sort(ids.begin(), ids.end());
  } while (std::adjacent_find(ids.begin(), ids.end()) != ids.end());
  return ids;
}

failure unknown_template(const create_task& asked) {
  return {errc::not_found, "Task template not found: " + asked.namespace_name + "/" + asked.name +
                             (asked.version ? "/" + *asked.version : std::string{}) +
                             "; register it with POST /v1/templates first"};
}

namespace {

/// Whoever owns them looks at them after its next beat.
void leave_word(const engine& engine, std::vector<task_id> tasks) {
  if (auto db = engine.actors->db(); db && !tasks.empty())
    caf::anon_send(db, touch_tasks_unit{std::move(tasks)});
}

void tell_owners(const engine& engine, const std::vector<task_id>& tasks) {
  std::vector<task_id> unknown;
  for (auto& id : tasks)
    if (auto owner = engine.actors->cluster().owner_of(id))
      caf::anon_send(owner, nudge_peer{false, false, false, {id}});
    else
      unknown.push_back(id);
  leave_word(engine, std::move(unknown));
}

} // namespace

void announce_created(const engine& engine, std::vector<std::unique_ptr<task_context>> created,
                      std::function<void()> told) {
  std::shared_ptr<const void> until_told{nullptr, [told = std::move(told)](const void*) { told(); }};
  std::unordered_map<std::size_t, adopt_tasks> by_shard;
  auto& partitions = engine.actors->cluster();
  auto certain = partitions.is_certain(); // before the partitions are looked at
  std::vector<task_id> of_others;         // the node owns nothing at present: it has just come, or is about to leave
  std::vector<task_id> doubtful;          // another node may have taken the partition over before the task was there
  for (auto& context : created) {
    if (!partitions.serves(context->id)) {
      of_others.push_back(context->id);
      continue;
    }
    if (!certain)
      doubtful.push_back(context->id);
    by_shard[engine.actors->shard_of(context->id)].contexts.emplace_back(std::move(context));
  }
  for (auto& [shard, tasks] : by_shard) {
    tasks.until_told = until_told;
    caf::anon_send(engine.actors->processor(shard), std::move(tasks));
  }
  tell_owners(engine, of_others);
  leave_word(engine, std::move(doubtful));
}

} // namespace geartrain
