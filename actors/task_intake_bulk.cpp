#include "actors/task_intake_impl.hpp"
#include "actors/template_loading.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

// Many creations in one call: judged one by one, stored by one statement, told on in one message per owner and one to the
// dispatcher. Those that the statement leaves open go on alone, like any single creation.

namespace geartrain {

namespace {

/// Looks templates up; of many creations most have the one that the creation before had.
class template_finder {
public:
  explicit template_finder(const template_catalog& catalog) : catalog_(catalog) {}

  const std::optional<catalog_entry>& operator()(const create_task& asked) {
    if (!last_ || last_->name != asked.name || last_->namespace_name != asked.namespace_name ||
        last_->version != asked.version)
      found_ = catalog_.find(asked.namespace_name, asked.name, asked.version);
    last_ = &asked;
    return found_;
  }

private:
  const template_catalog& catalog_;
  const create_task* last_ = nullptr;
  std::optional<catalog_entry> found_;
};

creation_outcome as_outcome(expected<create_task_result> result) {
  if (!result)
    return std::move(result.error());
  if (auto* made = std::get_if<task_created>(&*result))
    return accepted_task{made->task->id, made->task->input->correlation_id};
  if (auto* duplicate = std::get_if<duplicate_task>(&*result))
    return *duplicate;
  return std::move(std::get<context_refused>(*result));
}

void finish(bulk_creation& bulk) {
  for (auto [place, first] : bulk.repeats) {
    auto& outcome = bulk.outcomes[first];
    if (auto* made = std::get_if<accepted_task>(&outcome))
      bulk.outcomes[place] = duplicate_task{made->id};
    else
      bulk.outcomes[place] = outcome;
  }
  bulk.asked.done(std::move(bulk.outcomes));
}

/// On any thread: the last one finishes it.
void settled(bulk_creation& bulk) {
  if (--bulk.open == 0)
    finish(bulk);
}

void settle(bulk_creation& bulk, std::size_t place, creation_outcome outcome) {
  bulk.outcomes[place] = std::move(outcome);
  settled(bulk);
}

} // namespace

void task_intake::create_all(create_tasks_request& asked) {
  if (draining_)
    return asked.done(failure{errc::stopping, "the node is stopping; send the request to another node"});
  auto bulk = std::make_shared<bulk_creation>();
  bulk->asked = std::move(asked);
  template_finder find{*engine_->catalog};
  auto& tasks = bulk->asked.tasks;
  if (std::all_of(tasks.begin(), tasks.end(), [&](const create_task& task) { return find(task).has_value(); }))
    return judge_all(bulk);
  auto db = engine_->actors->db();
  if (!db)
    return bulk->asked.done(failure{errc::stopping, "the node is stopping"});
  // Another node may just have registered it: look once before saying no.
  request(db, caf::infinite, fetch_templates_unit{engine_->catalog->last_activation(), std::nullopt})
    .then(
      [this, bulk](const fetch_templates_reply& stored) {
        load_new_templates(*engine_->catalog, stored, engine_->settings.environment);
        judge_all(bulk);
      },
      [bulk](caf::error& e) { bulk->asked.done(to_failure(e)); });
}

void task_intake::judge_all(const bulk_ptr& bulk) {
  auto& tasks = bulk->asked.tasks;
  auto now = engine_->now();
  auto ids = make_task_ids(*engine_, tasks.size(), now);
  auto units = std::make_shared<std::vector<create_task_unit>>();
  units->reserve(tasks.size());
  bulk->outcomes.resize(tasks.size());
  std::unordered_map<std::string_view, std::size_t> first_with; // identities: views into the units, which stay in place
  template_finder find{*engine_->catalog};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    auto& entry = find(tasks[i]);
    if (!entry) {
      bulk->outcomes[i] = unknown_template(tasks[i]);
      continue;
    }
    auto judged = judge_creation(*engine_, tasks[i], *entry, ids[i], now);
    if (auto* why = std::get_if<failure>(&judged)) {
      bulk->outcomes[i] = std::move(*why);
    } else if (auto* refused = std::get_if<context_refused>(&judged)) {
      bulk->outcomes[i] = std::move(*refused);
    } else {
      auto& made = std::get<new_creation>(judged);
      auto& hash = made.unit.identity_hash;
      if (auto known = hash ? first_with.find(*hash) : first_with.end(); known != first_with.end()) {
        bulk->repeats.emplace_back(i, known->second);
        continue;
      }
      units->push_back(std::move(made.unit));
      if (units->back().identity_hash)
        first_with.emplace(*units->back().identity_hash, i);
      bulk->places.push_back(i);
      bulk->contexts.push_back(std::move(made.context));
    }
  }
  bulk->asked.tasks.clear();
  bulk->open = units->size();
  if (units->empty())
    return finish(*bulk);
  bulk->unit.creations = std::move(units);
  bulk->give_up_at = now + creation_patience;
  ++open_;
  commit_all(bulk);
}

void task_intake::all_committed(const bulk_ptr& bulk, const create_tasks_reply& reply) {
  std::vector<std::unique_ptr<task_context>> created;
  std::vector<std::size_t> unsettled;
  created.reserve(bulk->contexts.size());
  for (std::size_t i = 0; i < bulk->contexts.size(); ++i) {
    auto& outcome = bulk->outcomes[bulk->places[i]];
    if (!reply.outcomes[i]) {
      unsettled.push_back(i);
    } else if (reply.outcomes[i]->created) {
      auto& context = *bulk->contexts[i];
      outcome = accepted_task{context.id, context.input->correlation_id};
      created.push_back(std::move(bulk->contexts[i]));
    } else {
      outcome = duplicate_task{reply.outcomes[i]->existing};
    }
  }
  bulk->open = unsettled.size() + 1;
  announce_created(*engine_, std::move(created), [bulk] { settled(*bulk); });
  for (auto index : unsettled)
    commit_alone(bulk, index);
  closed();
}

void task_intake::all_failed(const bulk_ptr& bulk, failure why) {
  if (why.code == errc::storage) // one of them is to blame: alone, only that one fails
    for (std::size_t i = 0; i < bulk->contexts.size(); ++i)
      commit_alone(bulk, i);
  else
    bulk->asked.done(std::move(why));
  closed();
}

void task_intake::commit_alone(const bulk_ptr& bulk, std::size_t index) {
  auto work = std::make_shared<creation>();
  work->unit = (*bulk->unit.creations)[index];
  work->context = baton{std::move(bulk->contexts[index])};
  work->done = completion<create_task_result>{[bulk, place = bulk->places[index]](expected<create_task_result> result) {
    settle(*bulk, place, as_outcome(std::move(result)));
  }};
  work->give_up_at = bulk->give_up_at;
  ++open_;
  commit(work);
}

} // namespace geartrain
