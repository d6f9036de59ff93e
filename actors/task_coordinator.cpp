#include "actors/task_coordinator.hpp"

#include "actors/turn_commit.hpp"
#include "messages/actor_base.hpp"

#include <unordered_set>

namespace geartrain {

namespace {

class task_coordinator : public actor_base<task_coordinator_actor::base> {
public:
  task_coordinator(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "task_coordinator"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](evaluate_turn& turn) { evaluate(turn); },
    };
  }

private:
  struct open_turn {
    std::uint64_t turn = 0;
    turn_causes causes;
    turn_effects effects;
  };

  void evaluate(evaluate_turn& turn) {
    auto context = turn.context.take();
    auto effects = advance(*context, turn.causes, engine_->settings.rules, engine_->now());
    open_turn open{turn.turn, std::move(turn.causes), std::move(effects)};
    if (context->blocking_failures() > 0 && context->count(step_state::enqueued) > 0 && !is_terminal(context->state))
      return stop_dispatching(std::move(context), std::move(open));
    decide(std::move(context), std::move(open));
  }

  /// Something failed for good: what is not with a worker yet must not reach one any more.
  void stop_dispatching(std::unique_ptr<task_context> context, open_turn open) {
    withdraw_steps asked;
    for (auto number : enqueued_steps(*context))
      asked.steps.push_back(make_step_id(context->id, number));
    auto held = baton{std::move(context)};
    auto dispatcher = engine_->actors->dispatcher();
    auto shared_turn = std::make_shared<open_turn>(std::move(open));
    request(dispatcher, caf::infinite, asked)
      .then(
        [this, held, shared_turn, asked](const withdrawn_reply& reply) { withdrawn(held, *shared_turn, asked, reply); },
        [this, held, shared_turn, asked](caf::error&) { withdrawn(held, *shared_turn, asked, {}); });
  }

  void withdrawn(const baton& held, open_turn& open, const withdraw_steps& asked, const withdrawn_reply& reply) {
    auto context = held.take();
    std::vector<std::uint16_t> taken_back;
    std::unordered_set<step_id> leased(reply.still_leased.begin(), reply.still_leased.end());
    for (auto& step : asked.steps) {
      if (leased.contains(step))
        mark_started(*context, number_of(step), engine_->now());
      else
        taken_back.push_back(number_of(step));
    }
    withdraw(*context, taken_back);
    open.effects.enqueued.clear();
    decide(std::move(context), std::move(open));
  }

  void decide(std::unique_ptr<task_context> context, open_turn open) {
    auto& effects = open.effects;
    auto appended = facts_of(*engine_, *context, std::move(open.causes), effects);
    auto news = news_of(*context, appended, effects);
    if (nothing_to_run(*context)) {
      auto finalizer = engine_->actors->finalizer(engine_->actors->shard_of(context->id));
      return send(finalizer, finalize_turn{baton{std::move(context)}, open.turn, std::move(appended),
                                           std::move(news.released), std::move(news.revoked)});
    }
    if (appended.empty() && !effects.started && context->blocking_failures() == 0) {
      // A due retry is derived from a committed fact: there is nothing to write.
      resume_if_due(*context, engine_->now());
      return announce_turn(*engine_, open.turn, std::move(context), std::move(news), {});
    }
    auto state = resting_state(*context);
    auto record = close_turn(*context, std::move(appended), state, engine_->settings.rules, engine_->now());
    commit_turn(this, engine_, {open.turn, baton{std::move(context)}, std::move(record), std::move(news)});
  }

  engine_ptr engine_;
};

} // namespace

task_coordinator_actor spawn_task_coordinator(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<task_coordinator>(std::move(engine));
}

} // namespace geartrain
