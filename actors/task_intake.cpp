#include "actors/task_intake.hpp"

#include "actors/template_loading.hpp"
#include "messages/actor_base.hpp"
#include "workflow/identity.hpp"
#include "workflow/turn.hpp"

namespace geartrain {

namespace {

// How long a creation waits for a lost database before the caller is told to try again.
constexpr std::chrono::seconds creation_patience{10};
constexpr std::chrono::milliseconds retry_pause{100};

/// A creation on its way: everything that is needed to send it again with the same id.
struct creation {
  create_task_unit unit;
  baton context;
  completion<create_task_result> done;
  timestamp give_up_at;
};

using creation_ptr = std::shared_ptr<creation>;

struct retry_creation {
  creation_ptr work;
};

} // namespace

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::retry_creation)

namespace geartrain {

namespace {

using intake_interface = task_intake_actor::extend<caf::reacts_to<retry_creation>>;

std::string describe(const create_task& task) {
  return task.namespace_name + "/" + task.name + (task.version ? "/" + *task.version : std::string{});
}

class task_intake : public actor_base<intake_interface::base> {
public:
  task_intake(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "task_intake"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](const create_task_request& request) { create(request); },
      [this](const drain_request& request) { drain(request); },
      [this](const retry_creation& again) { commit(again.work); },
    };
  }

private:
  // -- finding the template ----------------------------------------------------

  void create(const create_task_request& asked) {
    if (draining_)
      return asked.done(failure{errc::stopping, "the node is stopping; send the request to another node"});
    if (auto found = engine_->catalog->find(asked.task.namespace_name, asked.task.name, asked.task.version))
      return admit(asked, *found);
    look_for_template(asked);
  }

  /// Another node may just have registered it: look once before saying no.
  void look_for_template(const create_task_request& asked) {
    auto db = engine_->actors->db();
    if (!db)
      return asked.done(failure{errc::stopping, "the node is stopping"});
    request(db, caf::infinite, fetch_templates_unit{engine_->catalog->last_activation(), std::nullopt})
      .then(
        [this, asked](const fetch_templates_reply& stored) {
          load_new_templates(*engine_->catalog, stored, engine_->settings.environment);
          auto& task = asked.task;
          if (auto found = engine_->catalog->find(task.namespace_name, task.name, task.version))
            admit(asked, *found);
          else
            asked.done(failure{errc::not_found, "Task template not found: " + describe(task) +
                                                  "; register it with POST /v1/templates first"});
        },
        [asked](caf::error& e) { asked.done(to_failure(e)); });
  }

  // -- admission ---------------------------------------------------------------

  void admit(const create_task_request& asked, const catalog_entry& entry) {
    auto& definition = *entry.definition;
    if (entry.validator)
      if (auto found = entry.validator->validate(asked.task.input.context.view()); !found.empty())
        return asked.done(create_task_result{context_refused{std::move(found)}});
    auto work = std::make_shared<creation>();
    if (!identify(asked.task, definition, work->unit.identity_hash))
      return asked.done(failure{errc::invalid, "identity strategy caller_provided needs an idempotency_key"});
    auto now = engine_->now();
    auto input = asked.task.input;
    input.requested_at = now;
    work->unit.id = make_task_id(now.time_since_epoch(), engine_->random());
    work->unit.template_id = definition.id;
    work->unit.inbox_request = asked.task.inbox_request;
    if (asked.task.identity_ttl && work->unit.identity_hash)
      work->unit.identity_expires_at = now + *asked.task.identity_ttl;
    work->unit.input = input_snapshot{std::move(input)};
    work->unit.now = now;
    auto context = new_task(work->unit.id, entry.definition, work->unit.input, now);
    work->unit.state = context->state;
    work->unit.steps_total = context->existing_steps();
    if (context->state == task_state::pending)
      work->unit.due_at = context->input->start_at;
    work->unit.deadline_at = deadline_of(*context, engine_->settings.rules.staleness, work->unit.due_at);
    work->context = baton{std::move(context)};
    work->done = asked.done;
    work->give_up_at = now + creation_patience;
    ++open_;
    commit(work);
  }

  /// False if the request lacks the key that its strategy needs.
  static bool identify(const create_task& task, const task_template& definition, std::optional<std::string>& hash) {
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

  // -- committing ----------------------------------------------------------------

  void commit(const creation_ptr& work) {
    auto db = engine_->actors->db();
    if (!db)
      return fail(work, {errc::stopping, "the node is stopping"});
    request(db, caf::infinite, work->unit)
      .then([this, work](const create_task_reply& reply) { committed(work, reply); },
            [this, work](caf::error& e) {
              auto why = to_failure(e);
              // The outcome is unknown; the same id makes sending it again safe.
              if ((why.code == errc::unavailable || why.code == errc::dropped) && engine_->now() < work->give_up_at)
                delayed_send(this, retry_pause, retry_creation{work});
              else
                fail(work, std::move(why));
            });
  }

  void committed(const creation_ptr& work, const create_task_reply& reply) {
    if (reply.created) {
      auto context = work->context.take();
      task_snapshot created{*context};
      steps_ready first;
      for (auto number : enqueued_steps(*context))
        first.ready.push_back(make_ready_step(*context, number, created->created_at));
      // The owner first: it must know the task before a lease on one of its steps can exist.
      send(engine_->actors->processor_of(created->id), adopt_task{baton{std::move(context)}});
      send(engine_->actors->dispatcher(), std::move(first));
      work->done(create_task_result{task_created{std::move(created)}});
    } else {
      work->done(create_task_result{duplicate_task{reply.existing}});
    }
    closed();
  }

  void fail(const creation_ptr& work, failure why) {
    work->done(std::move(why));
    closed();
  }

  void closed() {
    --open_;
    answer_drain();
  }

  // -- stopping --------------------------------------------------------------------

  void drain(const drain_request& asked) {
    draining_ = true;
    drained_.push_back(asked.done);
    answer_drain();
  }

  void answer_drain() {
    if (!draining_ || open_ > 0)
      return;
    for (auto& waiter : drained_)
      waiter(std::uint32_t{0});
    drained_.clear();
  }

  engine_ptr engine_;
  std::size_t open_ = 0;
  bool draining_ = false;
  std::vector<completion<std::uint32_t>> drained_;
};

} // namespace

task_intake_actor spawn_task_intake(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<task_intake>(std::move(engine));
}

} // namespace geartrain
