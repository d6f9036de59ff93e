#include "actors/step_dispatcher.hpp"

#include "actors/dispatch_order.hpp"
#include "actors/step_dispatcher_impl.hpp"

namespace geartrain {

namespace {

// How long a worker whose step was cancelled is told so, instead of only that it lost it.
constexpr std::chrono::minutes cancelled_memory{10};

// How long a poll with nothing to do here waits at least, for what other nodes may have.
constexpr milliseconds peers_patience{25};

} // namespace

step_dispatcher::step_dispatcher(caf::actor_config& config, engine_ptr shared)
  : actor_base(config), engine_(std::move(shared)), epoch_(static_cast<std::uint32_t>(engine_->random())) {}

step_dispatcher::behavior_type step_dispatcher::make_behavior() {
  delayed_send(this, engine_->settings.tick, tick{});
  ask_for_pauses();
  return {
    [this](const poll_request& request) { poll(request); },
    [this](const steps_ready& news) { steps_arrive(news); },
    [this](const heartbeat_request& request) { heartbeat(request); },
    [this](const poll_cancelled& cancelled) { take_poll(cancelled.poll_id); },
    [this](const leases_returned& returned) { take_back(returned); },
    [this](const adopt_leases& message) { adopt(message); },
    [this](const withdraw_steps& message) { return withdraw(message); },
    [this](const set_pauses& message) { pause(message); },
    [this](const lose_partitions& message) { lose(message); },
    [this](const peer_came& message) { welcome(message); },
    [this](steps_arrived& message) { hand_out(message); },
    [this](const drain_request& request) { drain(request); },
    [this](tick) { on_tick(); },
    [this](const tell_peers& due) {
      if (due.number == telling_)
        tell_who_waits();
    },
    [this](offer_steps) { offer(); },
  };
}

// -- steps and workers meet --------------------------------------------------------

void step_dispatcher::poll(const poll_request& asked) {
  if (draining_)
    return asked.done(std::vector<leased_step>{});
  if (may_dispatch() && is_there(asked))
    return serve(asked);
  note_demand(asked);
  auto wait = asked.wait;
  if (engine_->actors->cluster().has_peers() && !asked.from_peer)
    wait = std::max(wait, peers_patience); // a worker that never waits must get steps of other nodes too
  if (wait.count() == 0)
    return asked.done(std::vector<leased_step>{});
  polls_.add(asked, engine_->now() + wait);
  worker_waits(asked, wait);
  if (asked.from_peer && ready_.first(asked.namespaces, asked.handlers))
    plan_offer();
}

/// True if a step is there for this poll now.
bool step_dispatcher::is_there(const poll_request& asked) {
  auto first = ready_.first(asked.namespaces, asked.handlers);
  return first && (!asked.from_peer || may_leave(*first));
}

void step_dispatcher::serve(const poll_request& asked) {
  std::vector<leased_step> given;
  notices news;
  const auto offer = asked.from_peer ? offer_size_ : 0;
  const auto most = asked.from_peer ? std::min<std::size_t>(asked.max_steps, offer) : asked.max_steps;
  while (given.size() < most && (given.empty() || is_there(asked))) {
    auto step = ready_.take(asked.namespaces, asked.handlers);
    if (!step)
      break;
    given.push_back(lease_out(std::move(step), asked.worker, offer));
    auto& held = given.back().held;
    news[engine_->actors->shard_of(task_of(held.token.step))].leases.push_back(held);
  }
  note_demand(asked);
  if (offer > 0 && given.size() >= offer)
    offer_size_ = std::min(offer_size_ + offer_growth, largest_offer);
  // The owners first: no report on these leases may reach them before the leases do.
  for (auto& [shard, message] : news)
    send(engine_->actors->processor(shard), std::move(message));
  asked.done(std::move(given));
}

leased_step step_dispatcher::lease_out(ready_step_ptr step, const std::string& worker, std::size_t offer) {
  auto now = engine_->now();
  lease held;
  held.token = {step->id, step->attempt, step->yields, epoch_, engine_->random(), now + engine_->settings.lease};
  held.worker = worker;
  held.claimed_at = now;
  held.expires_at = held.token.expires_at;
  leased_step leased{std::move(step), std::move(held)};
  leases_.add(leased, false, offer);
  leased.held = leases_.find(leased.held.token.step)->held; // its timeout may come first
  return leased;
}

void step_dispatcher::steps_arrive(const steps_ready& news) {
  if (!pauses_known_)
    return early_.push_back(news);
  for (auto& token : news.released)
    release(token);
  revoke(news.revoked);
  for (auto& step : news.ready)
    if (serves(step->id) && !already_leased(*step) && !paused_.hold(step))
      ready_.push(step);
  if (!may_dispatch())
    return;
  auto some_stay = false;
  for (auto& step : news.ready) {
    while (ready_.contains(step->id) && meets(*step)) {
    }
    some_stay |= ready_.contains(step->id) && !may_leave(*step);
  }
  if (some_stay)
    plan_offer();
}

/// Gives the step, and others with it, to the first worker that waits for one like it; false if there is none.
bool step_dispatcher::meets(const ready_step& step) {
  auto waiting = polls_.first_for(step.definition->namespace_name, step.step().handler.callable, !may_leave(step));
  if (!waiting)
    return false;
  serve_waiting(*waiting);
  return true;
}

void step_dispatcher::release(const lease_token& token) {
  if (!leases_.remove(token.step, token.nonce))
    take_out(token.step); // its attempt ended by a lease of an earlier dispatcher
}

void step_dispatcher::revoke(const revoked_steps& revoked) {
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

void step_dispatcher::ask_for_pauses() {
  if (auto db = engine_->actors->db(); db && !pauses_known_ && !std::exchange(asking_, true))
    request(db, caf::infinite, read_pauses_unit{})
      .then([this](const read_pauses_reply& reply) { pause({reply.rows}); }, [this](caf::error&) { asking_ = false; });
}

void step_dispatcher::pause(const set_pauses& message) {
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
bool step_dispatcher::already_leased(const ready_step& step) {
  auto known = leases_.find(step.id);
  if (!known || dispatch_of(known->held.token) < dispatch_of(step))
    return false;
  send(engine_->actors->processor_of(task_of(step.id)), steps_leased{{known->held}});
  return true;
}

withdrawn_reply step_dispatcher::withdraw(const withdraw_steps& asked) {
  withdrawn_reply reply;
  for (auto& step : asked.steps)
    if (!take_out(step) && leases_.find(step))
      reply.still_leased.push_back(step);
  return reply;
}

void step_dispatcher::take_back(const leases_returned& message) {
  steps_ready again;
  for (auto& token : message.tokens) {
    auto ended = leases_.remove(token.step, token.nonce);
    if (!ended)
      continue;
    if (ended->offer > 0)
      offer_size_ = std::min(offer_size_, std::max<std::size_t>(1, ended->offer / 2));
    send(engine_->actors->processor_of(task_of(token.step)), lease_ended{ended->held, lease_end::returned});
    again.ready.push_back(std::move(ended->step));
  }
  if (!draining_)
    steps_arrive(again);
}

void step_dispatcher::on_tick() {
  auto now = engine_->now();
  serve_again();
  for (auto& poll : polls_.take_overdue(now)) {
    worker_waits_no_more(poll);
    poll.done(std::vector<leased_step>{});
  }
  for (auto& [entry, why] : leases_.take_expired(now))
    send(engine_->actors->processor_of(task_of(entry.held.token.step)), lease_ended{entry.held, why});
  cancelled_.forget(now - cancelled_memory);
  demand_.forget(now - own_patience);
  record_claims(now - engine_->settings.claim_after);
  ask_for_pauses();
  delayed_send(this, engine_->settings.tick, tick{});
}

void step_dispatcher::drain(const drain_request& asked) {
  draining_ = true;
  drained_.push_back(asked.done);
  for (auto& poll : polls_.take_all()) {
    worker_waits_no_more(poll);
    poll.done(std::vector<leased_step>{});
  }
  tell_who_waits(); // there may be no later
  // What workers hold is recorded, so that they can finish it and report to whoever serves the tasks next.
  record_claims(timestamp::max());
}

step_dispatcher_actor spawn_step_dispatcher(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<step_dispatcher>(std::move(engine));
}

} // namespace geartrain
