#include "tests/actor/fake_db.hpp"

#include "messages/actor_base.hpp"
#include "workflow/identity.hpp"

#include <algorithm>
#include <functional>

namespace geartrain::sim {

namespace {

class fake_db : public actor_base<fake_db_actor::base> {
public:
  fake_db(caf::actor_config& config, fake_rows_ptr rows) : actor_base(config), rows_(std::move(rows)) {}

  const char* name() const override { return "db"; }

  void on_exit() override { held_.clear(); }

protected:
  behavior_type make_behavior() override {
    return {
      [this](const commit_turn_unit& unit) { return answer<commit_turn_reply>([=, this] { return commit(unit); }); },
      [this](const create_task_unit& unit) { return answer<create_task_reply>([=, this] { return create(unit); }); },
      [this](const create_tasks_unit& unit) -> caf::result<create_tasks_reply> {
        if (rows_->refuses_many)
          return make_error(errc::storage, "a value that the database does not take");
        return answer<create_tasks_reply>([=, this] { return create_all(unit); });
      },
      [this](const load_task_unit& unit) { return load(unit); },
      [this](const sync_claims_unit& unit) { return answer<unit_done>([=, this] { return sync(unit); }); },
      [this](const record_refused_unit& unit) {
        rows_->refused.insert(rows_->refused.end(), unit.reports.begin(), unit.reports.end());
        return unit_done{1};
      },
      [this](const open_tasks_unit& unit) { return open_tasks(unit); },
      [this](const overdue_tasks_unit& unit) { return overdue(unit); },
      [this](const read_pauses_unit&) { return read_pauses_reply{rows_->pauses}; },
      [this](const set_pause_unit&) { return unit_done{}; },
      [this](const read_inbox_unit&) { return read_inbox_reply{rows_->inbox}; },
      [this](const settle_inbox_unit& unit) { return settle(unit); },
      [](const read_audit_unit&) { return read_audit_reply{}; },
      [](const list_dead_letters_unit&) { return list_dead_letters_reply{}; },
      [](const add_dead_letter_unit&) { return unit_done{}; },
      [](const update_dead_letter_unit&) { return unit_done{}; },
      [](const dead_letter_stats_unit&) { return dead_letter_stats_reply{}; },
      [](const investigation_queue_unit&) { return investigation_queue_reply{}; },
      [](const staleness_unit&) { return staleness_reply{}; },
      [](const performance_unit&) { return performance_reply{}; },
      [](const bottlenecks_unit&) { return bottlenecks_reply{}; },
      [](const read_events_unit&) { return read_events_reply{}; },
      [](const list_tasks_unit&) { return list_tasks_reply{}; },
      [](const put_template_unit&) { return put_template_reply{}; },
      [](const fetch_templates_unit&) { return fetch_templates_reply{}; },
      [](const ping_unit&) { return unit_done{}; },
      [this](const beat_unit& unit) {
        auto mood = rows_->beat_moods.find(unit.self.id);
        return answer<beat_reply>(mood == rows_->beat_moods.end() ? db_mood::prompt : mood->second,
                                  [=, this] { return rows_->cluster.beat(unit); });
      },
      [this](const leave_unit& unit) { return rows_->cluster.leave(unit.id); },
      [this](const touch_tasks_unit& unit) { return rows_->cluster.touch(unit); },
      [this](const ask_drain_unit& unit) { return rows_->cluster.ask_drain(unit); },
      [this](const read_cluster_unit&) { return rows_->cluster.view(); },
      [this](release_answers) {
        for (auto& deliver : std::exchange(held_, {}))
          deliver();
      },
    };
  }

private:
  template <class Reply, class Work>
  caf::result<Reply> answer(Work work) {
    return answer<Reply>(rows_->mood, std::move(work));
  }

  template <class Reply, class Work>
  caf::result<Reply> answer(db_mood mood, Work work) {
    switch (mood) {
      case db_mood::prompt:
        return work();
      case db_mood::holding: {
        auto promise = make_response_promise<Reply>();
        held_.push_back([promise, reply = work()]() mutable { promise.deliver(std::move(reply)); });
        return promise;
      }
      case db_mood::slow: {
        auto promise = make_response_promise<Reply>();
        held_.push_back([promise, work]() mutable { promise.deliver(work()); });
        return promise;
      }
      case db_mood::lost_before:
        return make_error(errc::unavailable);
      case db_mood::lost_after:
        work();
        return make_error(errc::unavailable);
      case db_mood::refusing:
        return make_error(errc::storage, "a value that the database does not take");
    }
    return make_error(errc::unhandled);
  }

  commit_turn_reply commit(const commit_turn_unit& unit) {
    ++rows_->commits;
    auto& record = unit.record;
    auto found = rows_->tasks.find(record.task);
    if (found == rows_->tasks.end() || found->second.version != record.expected_version ||
        (record.writes_head && found->second.head.version != record.head_version) ||
        (is_terminal(found->second.head.state) && found->second.head.state != task_state::error))
      return {false};
    auto& task = found->second;
    ++task.version;
    if (record.writes_head)
      move_head(task.head, record);
    append(task, record.appended);
    return {true};
  }

  static void move_head(head_row& head, const turn_record& record) {
    head.version = record.expected_version + 1;
    head.state = record.state;
    head.updated_at = record.now;
    head.completed_at = record.completed_at;
    head.due_at = record.due_at;
    head.deadline_at = record.deadline_at;
    head.state_since = record.state_since;
    head.paused = record.paused;
    head.steps_total = record.steps_total;
  }

  void append(task_rows& task, const turn_facts& appended) {
    for (auto outcome : appended.outcomes) {
      outcome.version = task.version;
      task.attempts.push_back(std::move(outcome));
    }
    for (auto fact : appended.facts) {
      fact.version = task.version;
      task.facts.push_back(std::move(fact));
    }
    for (auto checkpoint : appended.checkpoints) {
      checkpoint.version = task.version;
      std::erase_if(task.checkpoints, [&](auto& old) { return old.number == checkpoint.number; });
      task.checkpoints.push_back(checkpoint);
    }
    auto& letters = rows_->dead_letters[task.head.id];
    letters.insert(letters.end(), appended.dead_letters.begin(), appended.dead_letters.end());
  }

  unit_done settle(const settle_inbox_unit& unit) {
    std::erase_if(rows_->inbox, [&](auto& row) { return row.id == unit.id; });
    if (unit.refused)
      rows_->refused_requests.push_back(*unit.refused);
    return {1};
  }

  create_task_reply create(const create_task_unit& unit) {
    ++rows_->creates;
    if (unit.identity_hash) {
      auto [holder, fresh] = rows_->identities.emplace(*unit.identity_hash, unit.id);
      if (!fresh && holder->second != unit.id)
        return {false, holder->second};
    }
    auto& task = rows_->tasks[unit.id];
    task.head.id = unit.id;
    task.head.template_id = unit.template_id;
    task.head.state = unit.state;
    task.head.steps_total = unit.steps_total;
    task.head.created_at = unit.now;
    task.head.state_since = unit.now;
    task.head.due_at = unit.due_at;
    task.head.deadline_at = unit.deadline_at;
    if (unit.inbox_request)
      std::erase_if(rows_->inbox, [&](auto& row) { return row.id == *unit.inbox_request; });
    task.input = *unit.input;
    return {true, {}};
  }

  bool is_unseen(const create_task_unit& unit) const {
    return std::any_of(rows_->unseen.begin(), rows_->unseen.end(),
                       [&](auto& key) { return unit.identity_hash == identity_hash_of_key("test", "sample", key); });
  }

  create_tasks_reply create_all(const create_tasks_unit& unit) {
    create_tasks_reply reply;
    auto before = rows_->creates;
    for (auto& creation : *unit.creations)
      if (is_unseen(creation))
        reply.outcomes.emplace_back();
      else
        reply.outcomes.emplace_back(create(creation));
    rows_->creates = before + 1;
    return reply;
  }

  caf::result<task_rows_ptr> load(const load_task_unit& unit) {
    ++rows_->loads;
    if (rows_->mood == db_mood::lost_before || rows_->mood == db_mood::lost_after)
      return make_error(errc::unavailable);
    auto found = rows_->tasks.find(unit.id);
    if (found == rows_->tasks.end())
      return make_error(errc::not_found);
    auto rows = std::make_shared<task_rows>(found->second);
    rows->claims.clear();
    for (auto& [step, held] : rows_->claims)
      if (task_of(step) == unit.id)
        rows->claims.push_back({number_of(step), held.token.attempt, held.token.yields, held.token.epoch,
                                held.token.nonce, held.worker, held.claimed_at, held.token.expires_at,
                                held.expires_at});
    return task_rows_ptr{std::move(rows)};
  }

  unit_done sync(const sync_claims_unit& unit) {
    ++rows_->claim_writes;
    for (auto& token : unit.released)
      rows_->claims.erase(token.step);
    for (auto& held : unit.held)
      rows_->claims[held.token.step] = held;
    return {};
  }

  open_tasks_reply open_tasks(const open_tasks_unit& unit) {
    open_tasks_reply reply;
    for (auto& [id, task] : rows_->tasks)
      if (!is_terminal(task.head.state) && unit.after < id && contains(unit.partitions, id) &&
          reply.tasks.size() < unit.limit)
        reply.tasks.push_back({id, task.head.template_id, sleeps(task.head) ? task.head.due_at : std::nullopt});
    return reply;
  }

  overdue_tasks_reply overdue(const overdue_tasks_unit& unit) {
    overdue_tasks_reply reply{rows_->overdue};
    std::erase_if(reply.ids, [&](const task_id& id) { return !contains(unit.partitions, id); });
    return reply;
  }

  static bool contains(const std::vector<std::int16_t>& partitions, const task_id& id) {
    return std::find(partitions.begin(), partitions.end(), static_cast<std::int16_t>(partition_of(id))) !=
           partitions.end();
  }

  static bool sleeps(const head_row& head) {
    return head.state == task_state::pending || head.state == task_state::waiting_for_retry;
  }

  fake_rows_ptr rows_;
  std::vector<std::function<void()>> held_;
};

} // namespace

fake_db_actor spawn_fake_db(caf::actor_system& system, fake_rows_ptr rows) {
  return system.spawn<fake_db>(std::move(rows));
}

} // namespace geartrain::sim
