#include "actors/step_dispatcher.hpp"

#include "actors/cancelled_leases.hpp"
#include "actors/lease_table.hpp"
#include "actors/paused_steps.hpp"
#include "actors/poll_queue.hpp"
#include "actors/ready_queue.hpp"
#include "messages/actor_base.hpp"

#include <unordered_map>

namespace geartrain {

namespace {

// How long a worker whose step was cancelled is told so, instead of only that it lost it.
constexpr std::chrono::minutes cancelled_memory{10};

class step_dispatcher : public actor_base<step_dispatcher_actor::base> {
public:
  step_dispatcher(caf::actor_config& config, engine_ptr shared)
    : actor_base(config), engine_(std::move(shared)), epoch_(static_cast<std::uint32_t>(engine_->random())) {}

  const char* name() const override { return "step_dispatcher"; }

  void on_exit() override {
    for (auto& poll : polls_.take_all())
      poll.done(std::vector<leased_step>{});
  }

protected:
  behavior_type make_behavior() override {
    delayed_send(this, engine_->settings.tick, tick{});
    ask_for_pauses();
    return {
      [this](const poll_request& request) { poll(request); },
      [this](const steps_ready& news) { steps_arrive(news); },
      [this](const heartbeat_request& request) { heartbeat(request); },
      [this](const poll_cancelled& cancelled) { polls_.remove(cancelled.poll_id); },
      [this](const leases_returned& returned) { take_back(returned); },
      [this](const adopt_leases& message) { adopt(message); },
      [this](const withdraw_steps& message) { return withdraw(message); },
      [this](const set_pauses& message) { pause(message); },
      [this](const drain_request& request) { drain(request); },
      [this](tick) { on_tick(); },
    };
  }

private:
  using notices = std::unordered_map<std::size_t, steps_leased>; // by shard of the result_processor

  // -- steps and workers meet --------------------------------------------------

  void poll(const poll_request& asked) {
    if (draining_)
      return asked.done(std::vector<leased_step>{});
    if (asked.wait.count() > 0 && !ready_.has(asked.namespaces, asked.handlers))
      polls_.add(asked, engine_->now() + asked.wait);
    else
      serve(asked);
  }

  void serve(const poll_request& asked) {
    std::vector<leased_step> given;
    notices news;
    while (given.size() < asked.max_steps) {
      auto step = ready_.take(asked.namespaces, asked.handlers);
      if (!step)
        break;
      given.push_back(lease_out(std::move(step), asked.worker));
      auto& held = given.back().held;
      news[engine_->actors->shard_of(task_of(held.token.step))].leases.push_back(held);
    }
    // The owners first: no report on these leases may reach them before the leases do.
    for (auto& [shard, message] : news)
      send(engine_->actors->processor(shard), std::move(message));
    asked.done(std::move(given));
  }

  leased_step lease_out(ready_step_ptr step, const std::string& worker) {
    auto now = engine_->now();
    lease held;
    held.token = {step->id, step->attempt, epoch_, engine_->random(), now + engine_->settings.lease};
    held.worker = worker;
    held.claimed_at = now;
    held.expires_at = held.token.expires_at;
    leased_step leased{std::move(step), std::move(held)};
    leases_.add(leased, false);
    leased.held = leases_.find(leased.held.token.step)->held; // its timeout may come first
    return leased;
  }

  void steps_arrive(const steps_ready& news) {
    if (!pauses_known_)
      return early_.push_back(news);
    for (auto& token : news.released)
      release(token);
    revoke(news.revoked);
    for (auto& step : news.ready)
      if (!already_leased(*step) && !paused_.hold(step))
        ready_.push(step);
    for (auto& step : news.ready)
      while (ready_.contains(step->id)) {
        auto waiting = polls_.first_for(step->definition->namespace_name, step->step().handler.callable);
        if (!waiting)
          break;
        serve(*polls_.remove(*waiting));
      }
  }

  void release(const lease_token& token) {
    if (!leases_.remove(token.step, token.nonce))
      take_out(token.step); // its attempt ended by a lease of an earlier dispatcher
  }

  bool take_out(const step_id& step) { return ready_.remove(step) || paused_.remove(step); }

  void revoke(const revoked_steps& revoked) {
    for (auto& step : revoked.cancelled)
      if (!take_out(step))
        if (auto ended = leases_.remove(step))
          cancelled_.add(ended->held.token, engine_->now());
    for (auto& step : revoked.superseded)
      if (!take_out(step))
        leases_.remove(step);
    for (auto& step : revoked.held_back)
      take_out(step);
  }

  void ask_for_pauses() {
    if (auto db = engine_->actors->db(); db && !pauses_known_ && !std::exchange(asking_, true))
      request(db, caf::infinite, read_pauses_unit{})
        .then([this](const read_pauses_reply& reply) { pause({reply.rows}); },
              [this](caf::error&) { asking_ = false; });
  }

  void pause(const set_pauses& message) {
    pauses_known_ = true;
    steps_ready again;
    again.ready = paused_.replace(message.pauses);
    for (auto& step : ready_.take_if([this](const ready_step& one) { return paused_.holds(one); }))
      paused_.hold(step);
    steps_arrive(again);
    for (auto& news : std::exchange(early_, {}))
      steps_arrive(news);
  }

  /// A restarted owner announces what it finds; it may not know yet that a worker has the step.
  bool already_leased(const ready_step& step) {
    auto known = leases_.find(step.id);
    if (!known || known->held.token.attempt != step.attempt)
      return false;
    send(engine_->actors->processor_of(task_of(step.id)), steps_leased{{known->held}});
    return true;
  }

  withdrawn_reply withdraw(const withdraw_steps& asked) {
    withdrawn_reply reply;
    for (auto& step : asked.steps)
      if (!take_out(step) && leases_.find(step))
        reply.still_leased.push_back(step);
    return reply;
  }

  // -- leases --------------------------------------------------------------------

  void heartbeat(const heartbeat_request& asked) {
    std::vector<heartbeat_answer> answers;
    answers.reserve(asked.tokens.size());
    auto expires_at = engine_->now() + engine_->settings.lease;
    for (auto& token : asked.tokens) {
      auto held = leases_.extend(token.step, token.nonce, expires_at) || revive(token, asked.worker, expires_at);
      if (auto entry = held ? leases_.find(token.step) : nullptr)
        answers.push_back({heartbeat_status::extended, entry->held.expires_at});
      else
        answers.push_back({cancelled_.knows(token) ? heartbeat_status::cancelled : heartbeat_status::lost, {}});
    }
    asked.done(std::move(answers));
  }

  /// An authentic token that was issued before a restart and whose step nobody else got yet.
  bool revive(const lease_token& token, const std::string& worker, timestamp expires_at) {
    auto now = engine_->now();
    if (token.expires_at <= now || leases_.find(token.step))
      return false;
    auto step = ready_.remove(token.step);
    if (!step)
      step = paused_.remove(token.step);
    if (!step)
      return false;
    if (step->attempt != token.attempt) {
      ready_.push(std::move(step));
      return false;
    }
    lease held{token, worker, token.expires_at - engine_->settings.lease, expires_at};
    leases_.add({std::move(step), held}, false);
    send(engine_->actors->processor_of(task_of(token.step)), steps_leased{{held}});
    return true;
  }

  void adopt(const adopt_leases& message) {
    for (auto& leased : message.leases) {
      auto& token = leased.held.token;
      if (leases_.find(token.step))
        continue;
      take_out(token.step);
      leases_.add(leased, true);
    }
  }

  void take_back(const leases_returned& message) {
    steps_ready again;
    for (auto& token : message.tokens) {
      auto ended = leases_.remove(token.step, token.nonce);
      if (!ended)
        continue;
      send(engine_->actors->processor_of(task_of(token.step)), lease_ended{ended->held, lease_end::returned});
      again.ready.push_back(std::move(ended->step));
    }
    if (!draining_)
      steps_arrive(again);
  }

  void on_tick() {
    auto now = engine_->now();
    for (auto& poll : polls_.take_overdue(now))
      poll.done(std::vector<leased_step>{});
    for (auto& [entry, why] : leases_.take_expired(now))
      send(engine_->actors->processor_of(task_of(entry.held.token.step)), lease_ended{entry.held, why});
    cancelled_.forget(now - cancelled_memory);
    record_claims(now - engine_->settings.claim_after);
    ask_for_pauses();
    delayed_send(this, engine_->settings.tick, tick{});
  }

  // -- recording claims --------------------------------------------------------------

  void record_claims(timestamp older_than) {
    auto db = engine_->actors->db();
    if (recording_ || !db)
      return;
    auto changes = std::make_shared<sync_claims_unit>(leases_.changes(older_than));
    if (changes->held.empty() && changes->released.empty())
      return answer_drain();
    recording_ = true;
    request(db, caf::infinite, *changes)
      .then(
        [this](const unit_done&) {
          recording_ = false;
          if (draining_)
            record_claims(timestamp::max()); // what began meanwhile
        },
        [this, changes](caf::error&) {
          leases_.changes_lost(*changes);
          recording_ = false;
          answer_drain(); // the fence is in the tokens: a missing claim costs a repeated execution at most
        });
  }

  // -- stopping ------------------------------------------------------------------------

  void drain(const drain_request& asked) {
    draining_ = true;
    drained_.push_back(asked.done);
    for (auto& poll : polls_.take_all())
      poll.done(std::vector<leased_step>{});
    // What workers hold is recorded, so that they can finish it and report to whoever serves the tasks next.
    record_claims(timestamp::max());
  }

  void answer_drain() {
    if (!draining_ || recording_)
      return;
    for (auto& waiter : std::exchange(drained_, {}))
      waiter(static_cast<std::uint32_t>(leases_.size()));
  }

  engine_ptr engine_;
  std::uint32_t epoch_;
  ready_queue ready_;
  poll_queue polls_;
  paused_steps paused_;
  bool pauses_known_ = false;
  bool asking_ = false;
  std::vector<steps_ready> early_; ///< what arrived before the pauses were known
  lease_table leases_;
  cancelled_leases cancelled_;
  bool recording_ = false;
  bool draining_ = false;
  std::vector<completion<std::uint32_t>> drained_;
};

} // namespace

step_dispatcher_actor spawn_step_dispatcher(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<step_dispatcher>(std::move(engine));
}

} // namespace geartrain
