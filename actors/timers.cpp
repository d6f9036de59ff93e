#include "actors/timers.hpp"

#include "messages/actor_base.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace geartrain {

namespace {

// No sleep is longer than this, so that a step of the wall clock delays nothing for long.
constexpr std::chrono::microseconds longest_sleep{std::chrono::seconds{1}};

class timers : public actor_base<timers_actor::base> {
public:
  timers(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "timers"; }

protected:
  behavior_type make_behavior() override {
    return {
      [this](const arm_timer& timer) { arm(timer); },
      [this](tick) {
        asleep_ = false;
        fire_due();
        sleep();
      },
    };
  }

private:
  void arm(const arm_timer& timer) {
    armed_.emplace(timer.due, timer.step);
    if (!asleep_ || timer.due < wake_at_)
      sleep();
  }

  void fire_due() {
    auto now = engine_->now();
    while (!armed_.empty() && armed_.begin()->first <= now) {
      auto step = armed_.begin()->second;
      armed_.erase(armed_.begin());
      send(engine_->actors->processor_of(task_of(step)), timer_due{step});
    }
  }

  void sleep() {
    if (armed_.empty())
      return;
    auto now = engine_->now();
    auto pause = std::clamp<std::chrono::microseconds>(armed_.begin()->first - now, {}, longest_sleep);
    wake_at_ = now + pause;
    asleep_ = true;
    delayed_send(this, pause, tick{});
  }

  engine_ptr engine_;
  std::set<std::pair<timestamp, step_id>> armed_;
  bool asleep_ = false;
  timestamp wake_at_;
};

} // namespace

timers_actor spawn_timers(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<timers>(std::move(engine));
}

} // namespace geartrain
