#include "actors/task_finalizer.hpp"

#include "actors/turn_commit.hpp"
#include "messages/actor_base.hpp"

namespace geartrain {

namespace {

class task_finalizer : public actor_base<task_finalizer_actor::base> {
public:
  task_finalizer(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "task_finalizer"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](finalize_turn& turn) { finalize(turn); },
    };
  }

private:
  void finalize(finalize_turn& turn) {
    auto context = turn.context.take();
    auto state = resting_state(*context);
    turn_news news{{}, false, std::move(turn.released), std::move(turn.revoked)};
    if (turn.appended.empty() && state == context->state)
      return announce_turn(*engine_, turn.turn, std::move(context), std::move(news), {});
    auto record = close_turn(*context, std::move(turn.appended), state, engine_->settings.rules, engine_->now());
    if (is_terminal(state))
      spdlog::info("correlation_id={} task_uuid={} task ended state={} steps_completed={} steps_failed={}",
                   to_string(context->input->correlation_id), to_string(context->id), to_string(state),
                   record.steps_completed, record.steps_failed);
    commit_turn(this, engine_, {turn.turn, baton{std::move(context)}, std::move(record), std::move(news)});
  }

  engine_ptr engine_;
};

} // namespace

task_finalizer_actor spawn_task_finalizer(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<task_finalizer>(std::move(engine));
}

} // namespace geartrain
