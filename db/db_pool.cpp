#include "db/db_pool.hpp"

#include "db/batcher.hpp"
#include "db/connection.hpp"
#include "db/poller.hpp"
#include "messages/actor_base.hpp"

#include <algorithm>
#include <atomic>

// The one place where a node talks to PostgreSQL
//
// One thread owns all connections and all queues. A unit of work comes in as a value and waits in the queue of its
// operation. When a connection has nothing in flight it takes all that waits, up to the limits: for each operation one
// batch, which is one or a few statements and a Sync, all sent in one flush. While the server works, the next units
// gather, and form the next batch. So an idle node answers at once with batches of one, a busy one with large batches.
// Turns and creations gather even while another connection is free: two halves cost more than one whole (gathering.hpp).
//
// Why a pool of size 1 is enough, and no size can deadlock. A pool deadlocks when a holder of a connection waits for
// something that needs another one. Here nobody holds a connection. What crosses the border of this actor is a unit, a
// value complete when it is sent, and a reply, a value complete when it comes back. There is no message for "begin",
// "more" or "done", so a caller has no means to keep anything open between two messages. Inside, a batch goes out
// whole, up to its Sync, before anything is read, and no code between sending and receiving can ask for anything:
// encode() and decode() are pure functions. A unit with two steps (an identity held by a creation that was not visible,
// a listing) gives its connection back in between and waits again like any other. Transactions of two connections can
// wait for each other's row locks only in one direction, because every batch takes its locks in the order of its keys;
// if other programs break that order PostgreSQL ends one of the two, and that batch is repeated.

namespace geartrain {

namespace {

/// The loop's own message: what was sent before it is in the queues when it is handled.
struct turn {};

} // namespace

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::turn)

namespace geartrain {

namespace {

using db_pool_interface = db_actor::extend<caf::reacts_to<turn>>;

class db_pool : public actor_base<db_pool_interface::base> {
public:
  using super = actor_base<db_pool_interface::base>;

  db_pool(caf::actor_config& base, db_config config, std::shared_ptr<db_metrics> metrics)
    : super(base), config_(std::move(config)), metrics_(std::move(metrics)), batches_(bounds_of(config_), *metrics_) {
    connection::timing times{config_.reconnect_min, config_.reconnect_max, config_.unit_deadline};
    for (std::size_t i = 0; i < config_.connections; ++i)
      links_.push_back(std::make_unique<connection>(config_.dsn, times, *metrics_));
    next_housekeeping_ = db_clock::now() + config_.housekeeping_every;
    set_exit_handler([this](caf::exit_msg& message) { drain(message.reason); });
  }

  const char* name() const override { return "db"; }

  /// Called by any thread that sends a message.
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    super::enqueue(std::move(element), unit);
    if (asleep_.exchange(false))
      poller_.wake();
  }

  /// Promises hold a reference to this actor: none may be left.
  void on_exit() override {
    const failure why{errc::stopping, "the database actor has ended"};
    for (auto& link : links_)
      link->stop(why);
    batches_.abandon(why);
  }

protected:
  behavior_type make_behavior() override {
    send(this, turn{});
    return {
      [this](commit_turn_unit& u) { return accept<db_op::commit_turns>(std::move(u)); },
      [this](create_task_unit& u) { return accept<db_op::create_tasks>(std::move(u)); },
      [this](create_tasks_unit& u) { return accept<db_op::create_many>(std::move(u)); },
      [this](load_task_unit& u) { return accept<db_op::load_tasks>(std::move(u)); },
      [this](sync_claims_unit& u) { return accept<db_op::sync_claims>(std::move(u)); },
      [this](record_refused_unit& u) { return accept<db_op::record_refused>(std::move(u)); },
      [this](open_tasks_unit& u) { return accept<db_op::open_tasks>(std::move(u)); },
      [this](list_tasks_unit& u) { return accept<db_op::list_tasks>(std::move(u)); },
      [this](put_template_unit& u) { return accept<db_op::put_template>(std::move(u)); },
      [this](fetch_templates_unit& u) { return accept<db_op::fetch_templates>(std::move(u)); },
      [this](ping_unit& u) { return accept<db_op::ping>(std::move(u)); },
      [this](overdue_tasks_unit& u) { return accept<db_op::overdue_tasks>(std::move(u)); },
      [this](read_audit_unit& u) { return accept<db_op::read_audit>(std::move(u)); },
      [this](list_dead_letters_unit& u) { return accept<db_op::list_dead_letters>(std::move(u)); },
      [this](add_dead_letter_unit& u) { return accept<db_op::add_dead_letter>(std::move(u)); },
      [this](update_dead_letter_unit& u) { return accept<db_op::update_dead_letter>(std::move(u)); },
      [this](dead_letter_stats_unit& u) { return accept<db_op::dead_letter_stats>(std::move(u)); },
      [this](investigation_queue_unit& u) { return accept<db_op::investigation_queue>(std::move(u)); },
      [this](staleness_unit& u) { return accept<db_op::staleness>(std::move(u)); },
      [this](performance_unit& u) { return accept<db_op::performance>(std::move(u)); },
      [this](bottlenecks_unit& u) { return accept<db_op::bottlenecks>(std::move(u)); },
      [this](read_events_unit& u) { return accept<db_op::read_events>(std::move(u)); },
      [this](set_pause_unit& u) { return accept<db_op::set_pause>(std::move(u)); },
      [this](read_pauses_unit& u) { return accept<db_op::read_pauses>(std::move(u)); },
      [this](read_inbox_unit& u) { return accept<db_op::read_inbox>(std::move(u)); },
      [this](settle_inbox_unit& u) { return accept<db_op::settle_inbox>(std::move(u)); },
      [this](beat_unit& u) { return accept<db_op::beat>(std::move(u)); },
      [this](leave_unit& u) { return accept<db_op::leave>(std::move(u)); },
      [this](touch_tasks_unit& u) { return accept<db_op::touch_tasks>(std::move(u)); },
      [this](ask_drain_unit& u) { return accept<db_op::ask_drain>(std::move(u)); },
      [this](read_cluster_unit& u) { return accept<db_op::read_cluster>(std::move(u)); },
      [this](turn) {
        work();
        send(this, turn{});
      },
    };
  }

private:
  static batcher::limits bounds_of(const db_config& c) {
    return {{c.max_batch, c.max_batch_bytes}, c.max_queue, c.max_queue_bytes, c.unit_deadline};
  }

  template <class Op>
  caf::result<typename Op::reply> accept(typename Op::unit u) {
    using reply = typename Op::reply;
    auto promise = this->template make_response_promise<reply>();
    auto answer = [promise](expected<reply> outcome) mutable {
      if (outcome)
        promise.deliver(std::move(*outcome));
      else
        promise.deliver(make_error(outcome.error().code, std::move(outcome.error().message)));
    };
    if (draining_)
      answer(failure{errc::stopping, "the database actor is ending"});
    else
      batches_.push<Op>(std::move(u), std::move(answer), db_clock::now());
    return promise;
  }

  /// One round: send what can be sent, then sleep until something happens, then take in what came.
  void work() {
    auto now = db_clock::now();
    keep_house(now);
    batches_.expire(now);
    for (auto& link : links_)
      tend(*link, now);
    for (auto& link : links_)
      if (link->is_free())
        dispatch(*link, now);
    if (draining_ && (batches_.idle() || now >= drain_until_))
      return quit(drain_reason_);
    for (std::size_t i = 0; i < links_.size(); ++i)
      poller_.watch(i, links_[i]->socket(), links_[i]->interest());
    auto ready = sleep(now);
    now = db_clock::now();
    for (auto i : ready)
      links_[i]->on_ready(now);
  }

  void keep_house(db_clock::time_point now) {
    if (now < next_housekeeping_ || draining_)
      return;
    next_housekeeping_ = now + config_.housekeeping_every;
    batches_.push<db_op::housekeeping>(
      {},
      [](expected<unit_done> outcome) {
        if (!outcome)
          spdlog::warn("housekeeping of the database failed: {}", outcome.error().message);
      },
      now);
  }

  void tend(connection& link, db_clock::time_point now) {
    if (auto limit = link.silent_until(); limit && *limit <= now)
      link.drop({errc::unavailable, "the database did not answer in time"}, now);
    if (link.state() == connection::status::down && link.retry_at() <= now)
      link.start(now);
  }

  void dispatch(connection& link, db_clock::time_point now) {
    auto sent = false;
    auto beside = batches_.gathers(now);
    for (auto* line : batches_.lines()) {
      for (std::size_t i = 0; i < line->batches_per_flush() && link.state() == connection::status::ready; ++i) {
        auto next = line->take(now, beside);
        if (!next)
          break;
        link.send(std::move(next), now);
        sent = true;
      }
    }
    if (!sent)
      return;
    metrics_->exchanges.fetch_add(1, std::memory_order_relaxed);
    link.flush(now);
  }

  std::vector<std::size_t> sleep(db_clock::time_point now) {
    asleep_ = true; // first say so, then look at the mailbox: a sender does it the other way round
    auto longest = mailbox().empty() ? time_left(now) : milliseconds{0};
    auto ready = poller_.wait(longest);
    asleep_ = false;
    count_waiting(db_clock::now() - now);
    return ready;
  }

  /// Until the next thing that happens by itself; rounded up, so as not to wake too early.
  milliseconds time_left(db_clock::time_point now) const {
    auto until = next_housekeeping_;
    auto consider = [&](std::optional<db_clock::time_point> t) { until = std::min(until, t.value_or(until)); };
    consider(batches_.next_deadline());
    if (draining_)
      consider(drain_until_);
    if (std::ranges::any_of(
          links_, &connection::is_free, [](auto& link) -> auto& { return *link; }))
      consider(batches_.next_take(now));
    for (auto& link : links_) {
      consider(link->silent_until());
      if (link->state() == connection::status::down)
        consider(link->retry_at());
    }
    return std::chrono::ceil<milliseconds>(until - now);
  }

  void drain(const caf::error& reason) {
    if (draining_)
      return;
    draining_ = true;
    drain_reason_ = reason;
    drain_until_ = db_clock::now() + config_.unit_deadline;
  }

  const db_config config_;
  const std::shared_ptr<db_metrics> metrics_;
  poller poller_;
  std::atomic<bool> asleep_{false};
  batcher batches_;
  std::vector<std::unique_ptr<connection>> links_; // after the queues: batches in flight refer to them
  db_clock::time_point next_housekeeping_;
  bool draining_ = false;
  caf::error drain_reason_;
  db_clock::time_point drain_until_;
};

} // namespace

db_actor spawn_db_pool(caf::actor_system& system, db_config config, std::shared_ptr<db_metrics> metrics) {
  return system.spawn<db_pool, caf::detached>(std::move(config), std::move(metrics));
}

} // namespace geartrain
