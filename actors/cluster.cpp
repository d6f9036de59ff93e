#include "actors/cluster.hpp"

#include "actors/cluster_impl.hpp"

#include <algorithm>

// How a node takes its part
//
// A beat is one statement: it renews the node's row, makes the moves that the last view asked for, and reads what all the
// others did. From the view every node computes the same placement (workflow/placement.hpp), so there is nothing to agree on:
// a node claims what is placed on it and has no living owner, and gives away what is placed elsewhere. What it gives away it
// first brings to rest: the map says that it no longer serves the partition, the dispatcher records what workers hold and
// forgets it, the result_processors let go of the tasks as their open turns end; then the next beat moves it.
//
// Between beats the node believes in its partitions for `valid_for` from the moment when the last beat was sent, by its own
// steady clock, which no step of the wall clock moves and which goes on while the process is frozen. After that it is not
// certain: it dispatches nothing and refuses nothing without having read the rows again. It may still commit turns; whether
// they count is for the compare-and-swap.
//
// A node that ended without a word is replaced when its row expires by the clock of the database; at once, if it ran on this
// machine and its process can be seen to be gone. Every survivor claims its own share: nobody takes all.

namespace geartrain {

namespace {

constexpr milliseconds pause_after_failure{200};

} // namespace

cluster::cluster(caf::actor_config& config, engine_ptr engine)
  : actor_base(config), engine_(std::move(engine)), wiring_(*engine_->cluster), self_(wiring_.self) {}

cluster::behavior_type cluster::make_behavior() {
  if (map().self() != self_.id)
    map().begin_cluster(self_.id);
  for (std::uint16_t p = 0; p < partition_count; ++p) // a restarted actor goes on with what its predecessor served
    serving_.set(p, map().serves_partition(p));
  joined_ = serving_.any();
  set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) { link_died(down.source); });
  plan_beat(milliseconds{0});
  return {
    [this](const join_cluster& request) { joining_.push_back(request.done); },
    [this](const hand_over& request) {
      leaving_.push_back(request.done);
      hands_over_ = self_.draining = true;
      beat();
    },
    [this](const leave_cluster& request) {
      left_ = true;
      departing_.push_back(request.done);
      if (!beating_)
        leave();
    },
    [this](const announce_url& served) {
      self_.url = served.url;
      beat();
    },
    [this](const read_members& request) { request.done(view_); },
    [this](beat_now) { beat(); },
    [this](const beat_due& due) {
      if (due.number == beat_number_)
        beat();
    },
    [this](const dispatch_ended& message) { dispatch_over(message); },
    [this](const partitions_rested& message) { rested(message); },
    [this](const link_speaks& message) { hear(message); },
  };
}

void cluster::on_exit() {
  for (auto& [id, link] : std::exchange(links_, {}))
    caf::anon_send(link, stop_link{});
  joining_.clear();
  leaving_.clear();
  departing_.clear();
}

/// Not while a beat is under way: done after this, it would bring the row back.
void cluster::leave() {
  request(engine_->actors->db(), caf::infinite, leave_unit{self_.id})
    .then(
      [this](const unit_done&) {
        nudge_all();
        for (auto& waiter : std::exchange(departing_, {}))
          waiter(1u);
      },
      [this](caf::error& e) {
        for (auto& waiter : std::exchange(departing_, {}))
          waiter(to_failure(e));
      });
}

// -- beats -------------------------------------------------------------------------------

void cluster::plan_beat(milliseconds pause) {
  delayed_send(this, pause, beat_due{++beat_number_});
}

bool cluster::is_alone() const {
  return std::none_of(view_.members.begin(), view_.members.end(),
                      [this](const member& one) { return one.alive && one.id != self_.id; });
}

std::vector<node_id> cluster::find_ended() const {
  std::vector<node_id> ended;
  for (auto& one : view_.members)
    if (one.id != self_.id && wiring_.still_runs(one.process) == false)
      ended.push_back(one.id);
  return ended;
}

void cluster::beat() {
  auto db = engine_->actors->db();
  if (left_ || !db)
    return;
  if (beating_) {
    beat_again_ = true;
    return;
  }
  beating_ = true;
  beat_again_ = false;
  beat_unit unit;
  unit.self = self_;
  unit.valid_for = view_known_ && is_alone() ? wiring_.valid_alone : wiring_.valid_for;
  if (view_known_) {
    unit.ended = find_ended();
    unit.moves = moves_now(plan_partitions(view_, self_.id, at_rest(), unit.ended));
  }
  auto given = static_cast<std::size_t>(std::count_if(
    unit.moves.begin(), unit.moves.end(), [this](const partition_move& move) { return move.to != self_.id; }));
  auto sent = map().now();
  request(db, caf::infinite, std::move(unit))
    .then([this, sent, given](beat_reply& reply) { beat_answered(reply, sent, given); },
          [this](caf::error& e) { beat_failed(to_failure(e)); });
}

void cluster::beat_answered(beat_reply& reply, clock::time_point sent, std::size_t given) {
  beating_ = false;
  map().metrics().beats.fetch_add(1, std::memory_order_relaxed);
  if (left_)
    return leave();
  auto was_alone = view_known_ && is_alone(); // when the beat said for how long the row is valid
  view_ = std::move(reply.view);
  view_known_ = true;
  if (std::exchange(self_.draining, hands_over_ || reply.drain_asked) != self_.draining)
    beat_again_ = true; // the others should see it at once
  auto valid_for = was_alone && is_alone() ? wiring_.valid_alone : wiring_.valid_for;
  map().set_owners(view_.partitions);
  keep_links();
  tell_touched(reply.touched);
  if (std::exchange(failed_before_, false))
    claims_from_ = map().now() + wiring_.beat * 2; // the others could not beat either: they will in a moment
  auto plan = plan_partitions(view_, self_.id, at_rest(), find_ended());
  follow_plan(plan);
  map().certain_until(sent + valid_for); // who finds the node certain of its partitions finds these
  if (given > 0)
    nudge_all(); // the new owners need not wait for their next beat
  if (!moves_now(plan).empty() || std::exchange(beat_again_, false))
    return plan_beat(milliseconds{0});
  finish_joining();
  finish_leaving();
  plan_beat(is_alone() ? wiring_.beat_alone : wiring_.beat);
}

std::vector<partition_move> cluster::moves_now(const placement_plan& plan) const {
  auto moves = plan.moves;
  if (map().now() < claims_from_)
    std::erase_if(moves, [this](const partition_move& move) {
      return move.to == self_.id && !view_.partitions[move.partition].owner.is_nil();
    });
  return moves;
}

void cluster::beat_failed(const failure& why) {
  beating_ = false;
  if (left_)
    return leave();
  failed_before_ = true;
  map().metrics().beats_failed.fetch_add(1, std::memory_order_relaxed);
  if (why.code != errc::stopping)
    spdlog::warn("a beat failed: {}", why.message);
  plan_beat(pause_after_failure);
}

cluster_actor spawn_cluster(caf::actor_system& system, engine_ptr engine) {
  return system.spawn<cluster>(std::move(engine));
}

} // namespace geartrain
