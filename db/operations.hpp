#pragma once

#include "db/metrics.hpp"
#include "db/pg_result.hpp"
#include "db/statements.hpp"
#include "messages/case_storage.hpp"
#include "messages/cluster.hpp"
#include "messages/expected.hpp"
#include "messages/storage.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// One struct per operation of the database actor: how waiting units fold into statements, and how rows become replies.
// Pure functions of values: no connection, no clock. operation_queue<Op> does the rest.
//
//   encode   the statements of a batch; they run in one transaction
//   encode_careful   if there is one: other statements, for a batch of which something may have been written before
//   decode   the outcome of each unit of the batch, in its order, from the rows of each statement
//   weight   rough size of a unit's parameters in bytes
//   rows     turns or tasks of a unit, which a batch has so many of; a unit that has more goes alone
//   keys     what no two units in flight may share; the later one waits for a later batch
//   next     the operation that finishes a unit in a second round trip, if decode says so
//   expected_refusal   the reply of a unit that alone makes the server fail, if that is no defect of the unit

namespace geartrain::db_op {

struct shape {
  bool folds = true;   ///< many units become one batch; otherwise each is a batch of its own
  bool serial = false; ///< at most one batch at a time in the whole pool, because batches must take effect in order
  std::size_t per_flush = 1; ///< how many batches may go to a connection together
  bool bounded = true;       ///< false: taken in however much waits
  bool gathers = false;      ///< while a batch is on its way others wait to form a larger one; see operation_queue
};

struct nothing {};

using calls = std::vector<statement_call>;
using row_sets = std::vector<row_set>;

/// What a unit may not share with others, as hashes: two that meet by chance make a unit wait without need, no more.
using unit_keys = std::vector<std::size_t>;

template <class Unit>
using batch_of = std::vector<const Unit*>;

/// What became of a unit: its reply, why there is none, or what is still to be done for it.
template <class Op>
using outcome = std::variant<typename Op::reply, failure, typename Op::next_unit>;

template <class Op>
using outcomes = std::vector<outcome<Op>>;

template <db_operation Id, class Unit, class Reply, shape Shape = shape{}>
struct base {
  using unit = Unit;
  using reply = Reply;
  using units = batch_of<Unit>;
  using next = void;
  using next_unit = nothing;
  static constexpr auto id = Id;
  static constexpr bool folds = Shape.folds;
  static constexpr bool serial = Shape.serial;
  static constexpr std::size_t per_flush = Shape.per_flush;
  static constexpr bool gathers = Shape.gathers;
  static constexpr bool bounded = Shape.bounded;
  static std::size_t weight(const Unit&) { return 64; }
  static std::size_t rows(const Unit&) { return 1; }
  static unit_keys keys(const Unit&) { return {}; }
  static std::optional<Reply> expected_refusal(const sql_error&) { return std::nullopt; }
};

inline constexpr shape alone{.folds = false, .serial = false, .per_flush = 4};
inline constexpr shape gathering{.gathers = true};
inline constexpr shape in_order{.folds = true, .serial = true};

struct create_tasks;
struct list_rows;

struct commit_turns : base<db_operation::commit_turns, commit_turn_unit, commit_turn_reply, gathering> {
  static std::size_t weight(const unit& u);
  static unit_keys keys(const unit& u);
  static calls encode(const units& batch);
  static std::optional<reply> expected_refusal(const sql_error& error);
  static outcomes<commit_turns> decode(const units& batch, const row_sets& rows);
};

/// A creation whose identity somebody holds that it could not see.
struct holder_unit {
  create_task_unit creation;
};

/// Second step of create_tasks: who holds the identity. If nobody does any more, the creation starts again.
struct find_holders : base<db_operation::find_holders, holder_unit, create_task_reply> {
  using next = create_tasks;
  using next_unit = create_task_unit;
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<find_holders> decode(const units& batch, const row_sets& rows);
};

struct create_tasks : base<db_operation::create_tasks, create_task_unit, create_task_reply, gathering> {
  using next = find_holders;
  using next_unit = holder_unit;
  static std::size_t weight(const unit& u);
  static unit_keys keys(const unit& u);
  static calls encode(const units& batch);
  static calls encode_careful(const units& batch);
  static outcomes<create_tasks> decode(const units& batch, const row_sets& rows);
};

/// Many creations as one unit.
struct create_many : base<db_operation::create_many, create_tasks_unit, create_tasks_reply, gathering> {
  static std::size_t weight(const unit& u);
  static std::size_t rows(const unit& u);
  static unit_keys keys(const unit& u);
  static calls encode(const units& batch);
  static calls encode_careful(const units& batch);
  static outcomes<create_many> decode(const units& batch, const row_sets& rows);
};

struct load_tasks : base<db_operation::load_tasks, load_task_unit, task_rows_ptr> {
  static calls encode(const units& batch);
  static outcomes<load_tasks> decode(const units& batch, const row_sets& rows);
};

/// The page of a listing: its tasks' ids.
struct list_rows_unit {
  std::vector<task_id> ids;
  std::uint64_t total_count = 0;
};

/// First step: ids of the page, and the count. The state of a task may have moved on when its rows are read.
struct list_tasks : base<db_operation::list_tasks, list_tasks_unit, list_tasks_reply, alone> {
  using next = list_rows;
  using next_unit = list_rows_unit;
  static calls encode(const units& batch);
  static outcomes<list_tasks> decode(const units& batch, const row_sets& rows);
};

/// Second step: the rows.
struct list_rows : base<db_operation::list_rows, list_rows_unit, list_tasks_reply> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<list_rows> decode(const units& batch, const row_sets& rows);
};

struct open_tasks : base<db_operation::open_tasks, open_tasks_unit, open_tasks_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<open_tasks> decode(const units& batch, const row_sets& rows);
};

/// The id that a task made at this moment has at least.
task_id first_id_at(timestamp at);

struct overdue_tasks : base<db_operation::overdue_tasks, overdue_tasks_unit, overdue_tasks_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<overdue_tasks> decode(const units& batch, const row_sets& rows);
};

/// In order, and within a batch the last word on a claim counts: a claim never comes back after its release.
struct sync_claims : base<db_operation::sync_claims, sync_claims_unit, unit_done, in_order> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<sync_claims> decode(const units& batch, const row_sets& rows);
};

struct record_refused : base<db_operation::record_refused, record_refused_unit, unit_done> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<record_refused> decode(const units& batch, const row_sets& rows);
};

// -- cases for operators ---------------------------------------------------------

struct read_audit : base<db_operation::read_audit, read_audit_unit, read_audit_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<read_audit> decode(const units& batch, const row_sets& rows);
};

struct list_dead_letters
  : base<db_operation::list_dead_letters, list_dead_letters_unit, list_dead_letters_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<list_dead_letters> decode(const units& batch, const row_sets& rows);
};

struct add_dead_letter : base<db_operation::add_dead_letter, add_dead_letter_unit, unit_done, alone> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<add_dead_letter> decode(const units& batch, const row_sets& rows);
};

/// errc::conflict if the task has another case that is pending.
struct update_dead_letter : base<db_operation::update_dead_letter, update_dead_letter_unit, unit_done, alone> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<update_dead_letter> decode(const units& batch, const row_sets& rows);
};

struct dead_letter_stats
  : base<db_operation::dead_letter_stats, dead_letter_stats_unit, dead_letter_stats_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<dead_letter_stats> decode(const units& batch, const row_sets& rows);
};

struct investigation_queue
  : base<db_operation::investigation_queue, investigation_queue_unit, investigation_queue_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<investigation_queue> decode(const units& batch, const row_sets& rows);
};

struct staleness : base<db_operation::staleness, staleness_unit, staleness_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<staleness> decode(const units& batch, const row_sets& rows);
};

// -- analytics -------------------------------------------------------------------

/// Of the tasks created in the window; attempts of tasks that were created more than a day before it are left out.
struct performance : base<db_operation::performance, performance_unit, performance_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<performance> decode(const units& batch, const row_sets& rows);
};

/// As performance; `tasks_by_state` and `total_steps` count all tasks.
struct bottlenecks : base<db_operation::bottlenecks, bottlenecks_unit, bottlenecks_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<bottlenecks> decode(const units& batch, const row_sets& rows);
};

// -- events, pauses, the inbox ----------------------------------------------------

struct read_events : base<db_operation::read_events, read_events_unit, read_events_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<read_events> decode(const units& batch, const row_sets& rows);
};

struct set_pause : base<db_operation::set_pause, set_pause_unit, unit_done, alone> {
  static calls encode(const units& batch);
  static outcomes<set_pause> decode(const units& batch, const row_sets& rows);
};

struct read_pauses : base<db_operation::read_pauses, read_pauses_unit, read_pauses_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<read_pauses> decode(const units& batch, const row_sets& rows);
};

struct read_inbox : base<db_operation::read_inbox, read_inbox_unit, read_inbox_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<read_inbox> decode(const units& batch, const row_sets& rows);
};

/// `rows`: 1 if the request was still there.
struct settle_inbox : base<db_operation::settle_inbox, settle_inbox_unit, unit_done, alone> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<settle_inbox> decode(const units& batch, const row_sets& rows);
};

// -- the cluster ------------------------------------------------------------------

inline constexpr shape taken_in_always{.folds = false, .serial = false, .per_flush = 4, .bounded = false};

struct beat : base<db_operation::beat, beat_unit, beat_reply, taken_in_always> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<beat> decode(const units& batch, const row_sets& rows);
};

/// `rows`: partitions that the node still owned. A beat that arrives later brings the node back until that expires: let
/// the last one be answered first.
struct leave : base<db_operation::leave, leave_unit, unit_done, taken_in_always> {
  static calls encode(const units& batch);
  static outcomes<leave> decode(const units& batch, const row_sets& rows);
};

struct touch_tasks : base<db_operation::touch_tasks, touch_tasks_unit, unit_done> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<touch_tasks> decode(const units& batch, const row_sets& rows);
};

/// `rows`: living nodes of that name or id.
struct ask_drain : base<db_operation::ask_drain, ask_drain_unit, unit_done, alone> {
  static calls encode(const units& batch);
  static outcomes<ask_drain> decode(const units& batch, const row_sets& rows);
};

struct read_cluster : base<db_operation::read_cluster, read_cluster_unit, cluster_view> {
  static calls encode(const units& batch);
  static outcomes<read_cluster> decode(const units& batch, const row_sets& rows);
};

// -- templates and the rest --------------------------------------------------------

struct put_template : base<db_operation::put_template, put_template_unit, put_template_reply, alone> {
  static std::size_t weight(const unit& u);
  static calls encode(const units& batch);
  static outcomes<put_template> decode(const units& batch, const row_sets& rows);
};

struct fetch_templates : base<db_operation::fetch_templates, fetch_templates_unit, fetch_templates_reply, alone> {
  static calls encode(const units& batch);
  static outcomes<fetch_templates> decode(const units& batch, const row_sets& rows);
};

struct ping : base<db_operation::ping, ping_unit, unit_done> {
  static calls encode(const units& batch);
  static outcomes<ping> decode(const units& batch, const row_sets& rows);
};

struct housekeeping_unit {};

/// The actor's own periodic work.
struct housekeeping : base<db_operation::housekeeping, housekeeping_unit, unit_done, in_order> {
  static calls encode(const units& batch);
  static outcomes<housekeeping> decode(const units& batch, const row_sets& rows);
};

} // namespace geartrain::db_op
