#pragma once

#include "db/operation_queue.hpp"

#include <array>
#include <memory>
#include <tuple>

namespace geartrain {

/// All operation queues, their common bound, and the second steps that lead from one queue to another. Not thread-safe.
class batcher {
public:
  struct limits {
    queue_limits batch;
    std::size_t max_queue = 8192;
    std::size_t max_queue_bytes = 256U << 20;
    db_clock::duration unit_deadline{};
  };

  batcher(limits bounds, db_metrics& metrics);

  /// Takes a unit in, or answers it at once with errc::overloaded if its operation is bounded.
  template <class Op>
  void push(typename Op::unit u, typename answer_slot<typename Op::reply>::callback done, db_clock::time_point now) {
    if (Op::bounded &&
        (totals_.units >= bounds_.max_queue || totals_.bytes + Op::weight(u) > bounds_.max_queue_bytes)) {
      metrics_.rejected.fetch_add(1, std::memory_order_relaxed);
      done(failure{errc::overloaded, "too much work waits for the database"});
      return;
    }
    metrics_.of(Op::id).units.fetch_add(1, std::memory_order_relaxed);
    queue<Op>().push(std::move(u), answer_slot<typename Op::reply>{std::move(done)}, now, now + bounds_.unit_deadline);
  }

  /// The queues, in the order in which a free connection serves them: what makes tasks move first, what takes long
  /// last.
  const std::array<waiting_line*, db_operation_count>& lines() const { return lines_; }

  /// True if nothing waits and nothing is in flight.
  bool idle() const;

  void expire(db_clock::time_point now);
  std::optional<db_clock::time_point> next_deadline() const;

  /// True if a connection is at work for operations that gather: another one takes only what may go beside that.
  bool gathers(db_clock::time_point now) const { return totals_.in_flight.busy_until(now).has_value(); }

  /// When a connection that is free may take what is held back now; nothing if nothing is.
  std::optional<db_clock::time_point> next_take(db_clock::time_point now) const;

  void abandon(const failure& why);

private:
  template <class Op>
  operation_queue<Op>& queue() {
    return *std::get<std::unique_ptr<operation_queue<Op>>>(queues_);
  }

  /// Leads second steps of `From` into the queue of its next operation; the unit keeps its place in time.
  template <class From>
  void connect() {
    queue<From>().set_next([to = &queue<typename From::next>()](auto unit, auto done, auto arrived, auto deadline) {
      to->push(std::move(unit), std::move(done), arrived, deadline);
    });
  }

  template <class... Ops>
  using queues_of = std::tuple<std::unique_ptr<operation_queue<Ops>>...>;

  const limits bounds_;
  db_metrics& metrics_;
  queue_totals totals_;
  queues_of<db_op::beat, db_op::commit_turns, db_op::create_tasks, db_op::create_many, db_op::find_holders,
            db_op::sync_claims, db_op::record_refused, db_op::touch_tasks, db_op::load_tasks, db_op::ping,
            db_op::put_template, db_op::fetch_templates, db_op::open_tasks, db_op::overdue_tasks, db_op::read_pauses,
            db_op::set_pause, db_op::read_inbox, db_op::settle_inbox, db_op::leave, db_op::ask_drain,
            db_op::read_cluster, db_op::add_dead_letter, db_op::update_dead_letter, db_op::read_events,
            db_op::read_audit, db_op::list_dead_letters, db_op::dead_letter_stats, db_op::investigation_queue,
            db_op::staleness, db_op::list_tasks, db_op::list_rows, db_op::performance, db_op::bottlenecks,
            db_op::housekeeping>
    queues_;
  std::array<waiting_line*, db_operation_count> lines_{};
};

} // namespace geartrain
