#include "actors/step_dispatcher_impl.hpp"

#include <algorithm>

// The dispatcher's part in a cluster. Only the owner of a task hands out its steps. Workers that wait here are told to the
// other nodes, after a moment, since most get a step of this node before that; a node with a step that nobody there waits
// for leases it to one of them. The moment becomes longer each time that a worker which was told gets a step of this node after
// all, as in a cluster where every node has enough to do, and is short again as soon as a step has come.

namespace geartrain {

namespace {

constexpr milliseconds longest_moment{64};

// In one message.
constexpr std::size_t most_told = 512;

poll_request without_asker(const poll_request& poll) {
  auto copy = poll;
  copy.done = {};
  return copy;
}

} // namespace

// -- who waits -----------------------------------------------------------------------

std::optional<poll_request> step_dispatcher::take_poll(std::uint64_t poll_id) {
  auto poll = polls_.remove(poll_id);
  if (poll)
    worker_waits_no_more(*poll);
  return poll;
}

void step_dispatcher::worker_waits(const poll_request& poll, milliseconds wait) {
  auto& cluster = engine_->actors->cluster();
  if (poll.from_peer || !cluster.has_peers())
    return;
  auto due = cluster.now() + std::min(moment_, wait / 2);
  untold_.add(without_asker(poll), due);
  plan_telling(due);
}

/// True if the peers had heard that it waits.
bool step_dispatcher::worker_waits_no_more(const poll_request& poll) {
  auto& cluster = engine_->actors->cluster();
  if (poll.from_peer || untold_.remove(poll.poll_id) || !cluster.has_peers())
    return false;
  ended_polls_.push_back(poll.poll_id);
  plan_telling(cluster.now() + end_moment);
  return true;
}

/// A worker that waits here gets a step of this node.
void step_dispatcher::serve_waiting(std::uint64_t poll_id) {
  auto poll = polls_.remove(poll_id);
  if (worker_waits_no_more(*poll))
    moment_ = std::min(moment_ * 2, longest_moment);
  serve(*poll);
}

void step_dispatcher::plan_telling(clock::time_point at) {
  if (telling_at_ <= at)
    return;
  telling_at_ = at;
  delayed_send(this, at - engine_->actors->cluster().now(), tell_peers{++telling_});
}

/// Those who have waited for their moment, some at a time.
void step_dispatcher::tell_who_waits() {
  telling_at_ = clock::time_point::max();
  auto now = engine_->actors->cluster().now();
  polls_wait news{untold_.take_due(now, most_told), std::exchange(ended_polls_, {})};
  if (auto next = untold_.next_due())
    plan_telling(std::max(*next, now + shortest_moment));
  if (news.begin.empty() && news.end.empty())
    return;
  for (auto& link : engine_->actors->cluster().peers())
    send(link, news);
}

/// A step has come from elsewhere: there may be more.
void step_dispatcher::hurry() {
  moment_ = shortest_moment;
  auto soon = engine_->actors->cluster().now() + shortest_moment;
  untold_.hurry(soon);
  if (untold_.next_due())
    plan_telling(soon);
}

/// All links hear of the untold ones when it is time.
void step_dispatcher::welcome(const peer_came& message) {
  polls_wait some;
  auto tell = [&] {
    if (!some.begin.empty())
      send(message.link, std::exchange(some, {}));
  };
  for (auto& poll : polls_.waiting()) {
    if (poll->from_peer || untold_.contains(poll->poll_id))
      continue;
    some.begin.push_back(without_asker(*poll));
    if (some.begin.size() == most_told)
      tell();
  }
  tell();
}

// -- steps of other nodes ---------------------------------------------------------------

void step_dispatcher::hand_out(steps_arrived& message) {
  auto& metrics = engine_->actors->cluster().metrics();
  if (auto poll = take_poll(message.poll_id)) {
    hurry();
    metrics.steps_taken.fetch_add(message.steps.size(), std::memory_order_relaxed);
    message.unwanted(std::vector<lease_token>{});
    return poll->done(std::move(message.steps));
  }
  // Somebody else was faster for that worker; another one may take them.
  std::vector<lease_token> unwanted;
  for (auto& leased : message.steps) {
    auto& step = *leased.step;
    auto other = polls_.first_for(step.definition->namespace_name, step.step().handler.callable, true);
    if (!other) {
      unwanted.push_back(leased.held.token);
      continue;
    }
    metrics.steps_taken.fetch_add(1, std::memory_order_relaxed);
    hurry();
    take_poll(*other)->done(std::vector<leased_step>{std::move(leased)});
  }
  metrics.steps_returned.fetch_add(unwanted.size(), std::memory_order_relaxed);
  message.unwanted(std::move(unwanted));
}

// -- steps for other nodes -----------------------------------------------------------------

void step_dispatcher::note_demand(const poll_request& poll) {
  if (!poll.from_peer && engine_->actors->cluster().has_peers())
    demand_.note(poll, engine_->now());
}

/// Not while a worker of this node is about to ask for it.
bool step_dispatcher::may_leave(const ready_step& step) const {
  if (!engine_->actors->cluster().has_peers())
    return true; // to nobody: nothing needs to be known of it
  auto since = engine_->now() - own_patience;
  return step.ready_at <= since ||
         !demand_.is_alive(step.definition->namespace_name, step.step().handler.callable, since);
}

void step_dispatcher::plan_offer() {
  if (engine_->actors->cluster().has_peers() && !std::exchange(offering_, true))
    delayed_send(this, own_patience, offer_steps{});
}

void step_dispatcher::offer() {
  offering_ = false;
  if (!may_dispatch())
    return;
  auto gave = true;
  auto some_stay = false;
  while (std::exchange(gave, false)) {
    some_stay = false;
    for (auto& step : ready_.firsts()) {
      gave |= ready_.contains(step->id) && meets(*step);
      some_stay |= ready_.contains(step->id) && !may_leave(*step);
    }
  }
  if (some_stay)
    plan_offer();
}

// -- partitions ---------------------------------------------------------------------------

void step_dispatcher::lose(const lose_partitions& message) {
  auto lost = [this](const ready_step& step) { return !serves(step.id); };
  ready_.take_if(lost);
  paused_.take_if(lost);
  for (auto& news : early_)
    std::erase_if(news.ready, [&](const ready_step_ptr& step) { return lost(*step); });
  losing_.push_back(message);
  record_claims(timestamp::max());
}

/// What workers hold of the lost partitions is recorded: the next owner finds it in the rows.
void step_dispatcher::answer_losers() {
  if (losing_.empty())
    return;
  leases_.forget_if([this](const lease_table::entry& entry) { return !serves(entry.held.token.step); });
  for (auto& one : std::exchange(losing_, {}))
    one.done(static_cast<std::uint32_t>(one.partitions.size()));
}

/// After a time in which this node did not know whether its partitions are still its own.
void step_dispatcher::serve_again() {
  auto certain = may_dispatch();
  if (std::exchange(was_certain_, certain) || !certain)
    return;
  for (auto& poll : polls_.waiting())
    if (is_there(*poll))
      serve_waiting(poll->poll_id);
  plan_offer();
}

} // namespace geartrain
