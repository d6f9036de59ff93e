#include "actors/supervisor.hpp"

#include "actors/cluster.hpp"
#include "actors/inbox.hpp"
#include "actors/reconciler.hpp"
#include "actors/result_processor.hpp"
#include "actors/step_dispatcher.hpp"
#include "actors/task_coordinator.hpp"
#include "actors/task_finalizer.hpp"
#include "actors/task_intake.hpp"
#include "actors/template_registry.hpp"
#include "actors/timers.hpp"
#include "messages/actor_base.hpp"

#include <algorithm>
#include <deque>

namespace geartrain {

namespace {

constexpr std::size_t most_restarts = 10;
constexpr std::chrono::seconds restart_window{60};
constexpr milliseconds first_pause{10};

class supervisor : public actor_base<supervisor_actor::base> {
public:
  supervisor(caf::actor_config& config, engine_ptr shared, std::vector<supervised_role> roles,
             std::function<void(const std::string&)> give_up, completion<std::uint32_t> started)
    : actor_base(config), engine_(std::move(shared)), give_up_(std::move(give_up)), started_(std::move(started)) {
    for (auto& role : roles)
      children_.push_back({std::move(role), nullptr, {}});
  }

  const char* name() const override { return "supervisor"; }

  void on_exit() override { children_.clear(); }

protected:
  behavior_type make_behavior() override {
    set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) { child_died(down); });
    for (std::size_t i = 0; i < children_.size(); ++i)
      start(i);
    started_(static_cast<std::uint32_t>(children_.size()));
    return {
      [this](stop_children) { stop(); },
      [this](const start_child& message) {
        start(message.index);
        recover();
      },
    };
  }

private:
  struct child {
    supervised_role role;
    caf::strong_actor_ptr actor;
    std::deque<timestamp> deaths;
  };

  void start(std::size_t index) {
    if (stopping_)
      return;
    auto& starting = children_[index];
    starting.actor = starting.role.start();
    monitor(caf::actor_cast<caf::actor>(starting.actor));
  }

  void child_died(const caf::down_msg& down) {
    auto found = std::find_if(children_.begin(), children_.end(),
                              [&](const child& c) { return c.actor && c.actor->address() == down.source; });
    if (found == children_.end())
      return;
    found->actor = nullptr;
    if (stopping_)
      return stop_next();
    auto now = engine_->now();
    auto& deaths = found->deaths;
    deaths.push_back(now);
    while (deaths.front() + restart_window < now)
      deaths.pop_front();
    probe_set::instance().count_restart(found->role.name);
    spdlog::error("actor={} died, restart {} of at most {} a minute", found->role.name, deaths.size(), most_restarts);
    if (deaths.size() > most_restarts)
      return give_up_(found->role.name);
    auto pause = first_pause * (1 << (deaths.size() - 1));
    delayed_send(this, pause, start_child{static_cast<std::size_t>(found - children_.begin())});
  }

  void recover() {
    for (std::size_t shard = 0; shard < engine_->actors->shards(); ++shard)
      send(engine_->actors->processor(shard), recover_request{});
  }

  void stop() {
    stopping_ = true;
    stop_next();
  }

  /// One at a time from the top down, so that nobody sends to an actor that ended before.
  void stop_next() {
    while (!children_.empty() && !children_.back().actor)
      children_.pop_back();
    if (children_.empty())
      return quit();
    caf::anon_send_exit(children_.back().actor, caf::exit_reason::user_shutdown);
  }

  engine_ptr engine_;
  std::function<void(const std::string&)> give_up_;
  completion<std::uint32_t> started_;
  std::vector<child> children_;
  bool stopping_ = false;
};

template <class Handle>
caf::strong_actor_ptr pointer_of(const Handle& handle) {
  return caf::actor_cast<caf::strong_actor_ptr>(handle);
}

} // namespace

supervisor_actor spawn_supervisor(caf::actor_system& system, engine_ptr engine, std::vector<supervised_role> roles,
                                  std::function<void(const std::string&)> give_up, completion<std::uint32_t> started) {
  return system.spawn<supervisor>(std::move(engine), std::move(roles), std::move(give_up), std::move(started));
}

std::vector<supervised_role> engine_roles(caf::actor_system& system, engine_ptr engine,
                                          std::function<db_actor()> start_db) {
  auto actors = engine->actors;
  std::vector<supervised_role> roles;
  auto add = [&](std::string name, auto spawn, auto install) {
    roles.push_back({std::move(name), [=] {
                       auto handle = spawn();
                       auto pointer = pointer_of(handle);
                       install(std::move(handle));
                       return pointer;
                     }});
  };
  auto* sys = &system;
  add("db", std::move(start_db), [=](auto h) { actors->set_db(std::move(h)); });
  add(
    "timers", [=] { return spawn_timers(*sys, engine); }, [=](auto h) { actors->set_timers(std::move(h)); });
  add(
    "step_dispatcher", [=] { return spawn_step_dispatcher(*sys, engine); },
    [=](auto h) { actors->set_dispatcher(std::move(h)); });
  for (std::size_t shard = 0; shard < actors->shards(); ++shard) {
    add(
      "task_finalizer", [=] { return spawn_task_finalizer(*sys, engine); },
      [=](auto h) { actors->set_finalizer(shard, std::move(h)); });
    add(
      "task_coordinator", [=] { return spawn_task_coordinator(*sys, engine); },
      [=](auto h) { actors->set_coordinator(shard, std::move(h)); });
    add(
      "result_processor", [=] { return spawn_result_processor(*sys, engine, shard); },
      [=](auto h) { actors->set_processor(shard, std::move(h)); });
    add(
      "task_intake", [=] { return spawn_task_intake(*sys, engine); },
      [=](auto h) { actors->set_intake(shard, std::move(h)); });
  }
  add(
    "template_registry", [=] { return spawn_template_registry(*sys, engine); },
    [=](auto h) { actors->set_templates(std::move(h)); });
  add(
    "reconciler", [=] { return spawn_reconciler(*sys, engine); }, [](auto) {});
  add(
    "inbox", [=] { return spawn_inbox(*sys, engine); }, [=](auto h) { actors->set_inbox(std::move(h)); });
  if (engine->cluster)
    add(
      "cluster", [=] { return spawn_cluster(*sys, engine); }, [=](auto h) { actors->set_membership(std::move(h)); });
  return roles;
}

} // namespace geartrain
