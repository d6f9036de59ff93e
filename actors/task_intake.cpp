#include "actors/task_intake.hpp"

#include "actors/task_intake_impl.hpp"
#include "actors/template_loading.hpp"

namespace geartrain {

namespace {

constexpr std::chrono::milliseconds retry_pause{100};

} // namespace

task_intake::behavior_type task_intake::make_behavior() {
  return {
    [this](create_task_request& request) { create(request); },
    [this](create_tasks_request& request) { create_all(request); },
    [this](const drain_request& request) { drain(request); },
    [this](const retry_creation& again) { commit(again.work); },
    [this](const retry_bulk& again) { commit_all(again.work); },
  };
}

// -- finding the template ----------------------------------------------------------

void task_intake::create(create_task_request& asked) {
  if (draining_)
    return asked.done(failure{errc::stopping, "the node is stopping; send the request to another node"});
  if (auto found = engine_->catalog->find(asked.task.namespace_name, asked.task.name, asked.task.version))
    return admit(asked, *found);
  look_for_template(asked);
}

/// Another node may just have registered it: look once before saying no.
void task_intake::look_for_template(create_task_request& asked) {
  auto db = engine_->actors->db();
  if (!db)
    return asked.done(failure{errc::stopping, "the node is stopping"});
  request(db, caf::infinite, fetch_templates_unit{engine_->catalog->last_activation(), std::nullopt})
    .then(
      [this, asked](const fetch_templates_reply& stored) mutable {
        load_new_templates(*engine_->catalog, stored, engine_->settings.environment);
        auto& task = asked.task;
        if (auto found = engine_->catalog->find(task.namespace_name, task.name, task.version))
          admit(asked, *found);
        else
          asked.done(unknown_template(task));
      },
      [asked](caf::error& e) { asked.done(to_failure(e)); });
}

// -- admission -----------------------------------------------------------------------

void task_intake::admit(create_task_request& asked, const catalog_entry& entry) {
  auto now = engine_->now();
  auto id = make_own_task_id(*engine_, now);
  auto judged = judge_creation(*engine_, asked.task, entry, id, now);
  if (auto* why = std::get_if<failure>(&judged))
    return asked.done(std::move(*why));
  if (auto* refused = std::get_if<context_refused>(&judged))
    return asked.done(create_task_result{std::move(*refused)});
  auto& made = std::get<new_creation>(judged);
  auto work = std::make_shared<creation>();
  work->unit = std::move(made.unit);
  work->context = baton{std::move(made.context)};
  work->done = asked.done;
  work->give_up_at = now + creation_patience;
  ++open_;
  commit(work);
}

// -- committing ------------------------------------------------------------------------

void task_intake::commit(const creation_ptr& work) {
  auto db = engine_->actors->db();
  if (!db)
    return fail(work, {errc::stopping, "the node is stopping"});
  request(db, caf::infinite, work->unit)
    .then([this, work](const create_task_reply& reply) { committed(work, reply); },
          [this, work](caf::error& e) {
            auto why = to_failure(e);
            if (worth_retrying(why, work->give_up_at))
              delayed_send(this, retry_pause, retry_creation{work});
            else
              fail(work, std::move(why));
          });
}

void task_intake::committed(const creation_ptr& work, const create_task_reply& reply) {
  if (reply.created) {
    auto context = work->context.take();
    task_snapshot created{*context};
    std::vector<std::unique_ptr<task_context>> all;
    all.push_back(std::move(context));
    announce_created(*engine_, std::move(all),
                     [work, created] { work->done(create_task_result{task_created{created}}); });
  } else {
    work->done(create_task_result{duplicate_task{reply.existing}});
  }
  closed();
}

void task_intake::fail(const creation_ptr& work, failure why) {
  work->done(std::move(why));
  closed();
}

// -- many creations: sending them, and sending them again (the rest: task_intake_bulk.cpp) --

void task_intake::commit_all(const bulk_ptr& bulk) {
  auto db = engine_->actors->db();
  if (!db)
    return all_failed(bulk, {errc::stopping, "the node is stopping"});
  request(db, caf::infinite, bulk->unit)
    .then([this, bulk](const create_tasks_reply& reply) { all_committed(bulk, reply); },
          [this, bulk](caf::error& e) {
            auto why = to_failure(e);
            if (worth_retrying(why, bulk->give_up_at))
              delayed_send(this, retry_pause, retry_bulk{bulk});
            else
              all_failed(bulk, std::move(why));
          });
}

bool task_intake::worth_retrying(const failure& why, timestamp give_up_at) const {
  return (why.code == errc::unavailable || why.code == errc::dropped) && engine_->now() < give_up_at;
}

// -- stopping ----------------------------------------------------------------------------

void task_intake::closed() {
  --open_;
  answer_drain();
}

void task_intake::drain(const drain_request& asked) {
  draining_ = true;
  drained_.push_back(asked.done);
  answer_drain();
}

void task_intake::answer_drain() {
  if (!draining_ || open_ > 0)
    return;
  for (auto& waiter : drained_)
    waiter(std::uint32_t{0});
  drained_.clear();
}

task_intake_actor spawn_task_intake(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<task_intake>(std::move(engine));
}

} // namespace geartrain
