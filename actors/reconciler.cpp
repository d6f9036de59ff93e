#include "actors/reconciler.hpp"

#include "messages/actor_base.hpp"

#include <algorithm>
#include <unordered_map>

namespace geartrain {

namespace {

// Asking takes at most a twentieth of the time.
constexpr int share_of_time = 20;
constexpr std::uint32_t page_size = 500;
constexpr std::uint64_t looks_per_pauses = 4;

class reconciler : public actor_base<reconciler_actor::base> {
public:
  reconciler(caf::actor_config& config, engine_ptr shared) : actor_base(config), engine_(std::move(shared)) {}

  const char* name() const override { return "reconciler"; }

protected:
  behavior_type make_behavior() override {
    delayed_send(this, engine_->settings.reconcile_every, tick{});
    return {
      [this](tick) { look(); },
    };
  }

private:
  void look() {
    auto db = engine_->actors->db();
    if (!db)
      return sleep({});
    overdue_tasks_unit unit;
    for (std::size_t p = 0; p < partition_count; ++p)
      if (engine_->actors->cluster().serves_partition(static_cast<std::uint16_t>(p)))
        unit.partitions.push_back(static_cast<std::int16_t>(p));
    if (unit.partitions.empty())
      return sleep({});
    auto begin = engine_->now();
    unit.now = begin;
    unit.limit = page_size;
    request(db, caf::infinite, std::move(unit))
      .then(
        [this, begin](const overdue_tasks_reply& found) {
          tell_owners(found.ids);
          sleep(engine_->now() - begin);
        },
        [this](caf::error&) { sleep({}); });
    if (++looks_ % looks_per_pauses == 0)
      read_pauses(db);
  }

  /// Another node may have paused something.
  void read_pauses(const db_actor& db) {
    request(db, caf::infinite, read_pauses_unit{})
      .then([this](const read_pauses_reply& reply) { send(engine_->actors->dispatcher(), set_pauses{reply.rows}); },
            [](caf::error&) {});
  }

  void tell_owners(const std::vector<task_id>& ids) {
    std::unordered_map<std::size_t, look_at_tasks> by_shard;
    for (auto& id : ids)
      by_shard[engine_->actors->shard_of(id)].ids.push_back(id);
    for (auto& [shard, message] : by_shard)
      send(engine_->actors->processor(shard), std::move(message));
  }

  void sleep(std::chrono::microseconds taken) {
    auto pause = std::max<std::chrono::microseconds>(engine_->settings.reconcile_every, taken * share_of_time);
    delayed_send(this, pause, tick{});
  }

  engine_ptr engine_;
  std::uint64_t looks_ = 0;
};

} // namespace

reconciler_actor spawn_reconciler(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<reconciler>(std::move(engine));
}

} // namespace geartrain
