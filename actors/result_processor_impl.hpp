#pragma once

#include "actors/engine.hpp"
#include "actors/resident_room.hpp"
#include "actors/resident_task.hpp"
#include "messages/actor_base.hpp"
#include "workflow/fencing.hpp"

#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// The turn protocol, as the owner of a task's context sees it.
//
// A task is home (its context is in resident_task::context), on_turn (the context travels through the coordinator, the
// finalizer and the database actor), loading (its rows are on their way) or away. Whatever arrives for it is put into
// `waiting`. When it is home, gather() fences what waits, answers what needs no turn, and sends the rest with the context
// as evaluate_turn{turn}. The turn ends with turn_closed{turn}:
//
//   committed    the context comes home one version ahead; the reports of the turn are answered `accepted`
//   conflict     somebody else's turn was first: the context is gone; reload, fence again, decide again
//   unavailable  nobody knows: the same, but a report that turns out to be recorded is `accepted`, not `duplicate`
//   failed       the database refused it for good: the reports are answered with the reason, the context is reloaded
//
// A task that this node does not serve is a guest: its owner could not be reached when something came for it. It is read,
// makes its turn and is let go; nothing of it is announced to the dispatcher or the timers, and the owner, whoever that is,
// is told through the database to read it again (result_processor_guests.cpp).
//
// The input of an open turn stays in `open` until then, so a turn whose actor died is simply done again from the rows
// (recover_request). A turn_closed whose number is not the open one belongs to a turn that was given up: it is ignored,
// and if it had been committed, the reload sees that.

namespace geartrain {

/// Private: look again at a task whose rows could not be read.
struct reload_task {
  task_id id;
};

/// Private: go on with reading the pages of open tasks.
struct continue_recovery {};

/// Private: time to look for open tasks that nobody made resident.
struct sweep_due {};

/// Private: the first of those that wait for the end of a task has waited long enough.
struct waits_over {
  std::uint64_t timer = 0; ///< only the timer set last counts
};

} // namespace geartrain

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::reload_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::continue_recovery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::waits_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::sweep_due)

namespace geartrain {

using processor_interface =
  result_processor_actor::extend<caf::reacts_to<reload_task>, caf::reacts_to<continue_recovery>,
                                 caf::reacts_to<waits_over>, caf::reacts_to<sweep_due>>;

class result_processor : public actor_base<processor_interface::base> {
public:
  result_processor(caf::actor_config& config, engine_ptr engine, std::size_t shard);

  const char* name() const override { return "result_processor"; }

  /// Whoever still waits for an answer gets errc::dropped now, not when the last handle goes away.
  void on_exit() override {
    tasks_.clear();
    room_ = {};
    publish_left_out();
    recovery_waiters_.clear();
    losing_.clear();
    drain_waiters_.clear();
  }

protected:
  behavior_type make_behavior() override;

private:
  /// What a recovery is for.
  enum class look_for : std::uint8_t {
    all,      ///< every open task
    gained,   ///< those of partitions that have come
    left_out, ///< those that found no room before
  };
  using task_map = std::unordered_map<task_id, resident_task>;

  // -- turns (result_processor.cpp) --------------------------------------------

  void submit(submit_reports& message);
  void read(const read_task_request& request);
  void act(const act_request& request);
  void look_at(const look_at_tasks& message);
  void retry_due(const timer_due& due);
  void lease_begins(const steps_leased& message);
  void lease_ends(const lease_ended& message);
  void close(turn_closed& closed);

  /// Finds the task, or begins to load it.
  resident_task& touch(const task_id& id);

  /// Called whenever something changed for a task that is home: answers readers, opens the next turn, lets go of the
  /// task when it is over.
  void proceed(const task_id& id);

  void settle_leases(resident_task& task);
  void take_back(resident_task& task, const lease_token& token);
  void revoke(const step_id& step);
  turn_causes gather(resident_task& task);
  bool gather_act(resident_task& task, turn_causes& causes);
  void gather_expired(resident_task& task, lease_ended& ended, turn_causes& causes);
  void fence_report(resident_task& task, pending_report& pending, turn_causes& causes);
  void accept_report(resident_task& task, pending_report& pending, const lease* held, turn_causes& causes);
  void refuse_stale(const pending_report& pending);
  void open_turn(resident_task& task, turn_causes causes);
  void turn_committed(resident_task& task, const turn_closed& closed);
  void forget_void_leases(resident_task& task);
  void arm_retry(const task_context& context, std::uint16_t number);

  // -- partitions that come and go, and guests (result_processor_guests.cpp) ------

  bool serves(const task_id& id) const { return engine_->actors->cluster().serves(id); }
  void gain(const gain_partitions& message);
  void lose(const lose_partitions& message);
  void forget_those_away();
  void answer_losers();
  void reread(const reread_tasks& message);
  void read_again(const task_id& id);
  void let_go(const task_id& id);
  void tell_owner(const task_id& id);
  bool doubts(const resident_task& task, const pending_report& pending, fence_verdict verdict) const;

  // -- waiting for the end (result_processor_waits.cpp) -------------------------

  void await_end(const await_task_request& request);
  void cancel_wait(const wait_cancelled& message);
  void answer_waiters(resident_task& task, const expected<task_snapshot>& answer);
  void end_waits(waits_over over);
  void end_all_waits();
  void set_wait_timer();

  // -- residency (result_processor_residency.cpp) ------------------------------

  void adopt(const adopt_tasks& message);
  void adopt_one(std::unique_ptr<task_context> context, steps_ready& first);
  void stay_out(const task_context& context);
  void come_home(resident_task& task);
  void drop_context(resident_task& task);
  void evict(const evict_task& message);
  task_map::iterator put_away(task_map::iterator found);
  void load(const task_id& id);
  void loaded(const task_id& id, const task_rows& rows);
  void restore(const task_id& id, const task_rows& rows, const template_snapshot& definition);
  void release_ended_leases(resident_task& task);
  void load_failed(const task_id& id, const failure& why);
  void refuse_overdue(resident_task& task);
  void give_up_turn(resident_task& task, bool outcome_unknown);
  void announce(const resident_task& task);
  void forget(const task_id& id);
  void drain(const drain_request& request);
  void answer_drain();

  // -- room (result_processor_room.cpp) -----------------------------------------

  std::size_t resident_limit() const;
  bool make_room(std::int64_t of_template);
  std::size_t let_leave(bool (*can_leave)(const resident_task&));
  void leave_out(const task_id& id, std::int64_t of_template);
  void rest(const task_id& id);
  void publish_left_out();

  // -- recovery (result_processor_recovery.cpp) -----------------------------------

  void recover(const recover_request& request);
  std::vector<std::int16_t> partitions_served() const;
  void begin_recovery(look_for what, std::vector<std::int16_t> partitions);
  void next_page();
  void recover_task(const open_task& one);
  bool sleeps(const open_task& one);
  void recovered(const task_id& id);
  void finish_recovery();
  void sweep();
  void sweep_page(const task_id& after, const task_id& settled);
  void found_open(const open_task& one);

  engine_ptr engine_;
  std::size_t shard_;
  task_map tasks_;
  resident_room room_;
  std::uint64_t next_turn_;

  bool recovering_ = false;
  look_for looks_for_ = look_for::all; ///< if recovering
  bool recover_again_ = false;
  bool last_page_ = false;
  task_id page_end_;
  std::unordered_set<task_id> page_;               ///< of the current page, not yet loaded
  std::vector<std::int16_t> recovered_partitions_; ///< that the recovery under way looks at
  std::vector<std::int16_t> gained_;               ///< to be looked at next
  std::vector<completion<std::uint32_t>> recovery_waiters_;

  std::vector<lose_partitions> losing_; ///< turns of theirs are open

  std::optional<task_id> first_left_out_; ///< no older open task waits in the database for room
  bool published_left_out_ = false;
  timestamp next_look_for_room_;

  std::map<std::pair<timestamp, std::uint64_t>, task_id> wait_ends_; ///< by end and wait_id
  std::uint64_t wait_timer_ = 0;
  std::optional<timestamp> wait_timer_at_;

  bool draining_ = false;
  std::vector<completion<std::uint32_t>> drain_waiters_;
};

} // namespace geartrain
