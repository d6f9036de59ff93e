#include "actors/timers.hpp"

#include "messages/actor_base.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace geartrain {

namespace {

// No sleep is longer than this, so that a step of the wall clock delays nothing for long.
constexpr std::chrono::microseconds longest_sleep{std::chrono::seconds{1}};

// Times over the bound are forgotten, and asked for again so long before they come.
constexpr std::chrono::minutes in_good_time{1};

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
    if (armed_.size() > engine_->settings.max_resident)
      forget_last();
    if (!asleep_ || timer.due < wake_at_)
      sleep();
  }

  /// Memory is bounded: the rows know the times that are far away.
  void forget_last() {
    auto last = std::prev(armed_.end());
    forgotten_from_ = std::min(forgotten_from_.value_or(last->first), last->first);
    armed_.erase(last);
  }

  void ask_again() {
    forgotten_from_.reset();
    gain_partitions all;
    for (std::size_t p = 0; p < partition_count; ++p)
      if (engine_->actors->cluster().serves_partition(static_cast<std::uint16_t>(p)))
        all.partitions.push_back(static_cast<std::uint16_t>(p));
    for (std::size_t shard = 0; shard < engine_->settings.shards; ++shard)
      send(engine_->actors->processor(shard), all);
  }

  void fire_due() {
    auto now = engine_->now();
    auto has_room = armed_.size() <= engine_->settings.max_resident / 2;
    if (forgotten_from_ && *forgotten_from_ <= (has_room ? now + in_good_time : now))
      ask_again();
    while (!armed_.empty() && armed_.begin()->first <= now) {
      auto step = armed_.begin()->second;
      armed_.erase(armed_.begin());
      send(engine_->actors->processor_of(task_of(step)), timer_due{step});
    }
  }

  void sleep() {
    if (armed_.empty() && !forgotten_from_)
      return;
    auto now = engine_->now();
    auto next = armed_.empty() ? *forgotten_from_ - in_good_time : armed_.begin()->first;
    auto pause = std::clamp<std::chrono::microseconds>(next - now, {}, longest_sleep);
    wake_at_ = now + pause;
    asleep_ = true;
    delayed_send(this, pause, tick{});
  }

  engine_ptr engine_;
  std::set<std::pair<timestamp, step_id>> armed_;
  bool asleep_ = false;
  timestamp wake_at_;
  std::optional<timestamp> forgotten_from_; ///< the first of those that were forgotten
};

} // namespace

timers_actor spawn_timers(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<timers>(std::move(engine));
}

} // namespace geartrain
