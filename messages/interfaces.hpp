#pragma once

#include "messages/case_storage.hpp"
#include "messages/cluster.hpp"
#include "messages/errors.hpp"
#include "messages/requests.hpp"
#include "messages/storage.hpp"
#include "messages/turn.hpp"

#include <caf/all.hpp>

// The whole interface of every actor, one type each. A stage of a turn hands its message on and never waits for an
// answer; only the database actor replies.

namespace geartrain {

struct lose_partitions;
struct nudge_peer;
struct peer_came;
struct polls_wait;
struct steps_arrived;
struct submit_reports;

/// A link stands for the actors of another node: it takes the same messages and answers the same completions, whatever
/// happens to that node. What the peer can't do in time is done here.
using peer_actor =
  caf::typed_actor<caf::reacts_to<submit_reports>, caf::reacts_to<read_task_request>,
                   caf::reacts_to<await_task_request>, caf::reacts_to<wait_cancelled>, caf::reacts_to<act_request>,
                   caf::reacts_to<heartbeat_request>, caf::reacts_to<leases_returned>, caf::reacts_to<polls_wait>,
                   caf::reacts_to<nudge_peer>>;

// -- small messages between actors ---------------------------------------------

/// task_intake -> result_processor: tasks of its shard that were just committed; they become resident.
struct adopt_tasks {
  std::vector<baton> contexts;
  std::shared_ptr<const void> until_told; ///< let go once the dispatcher has been told of their first steps
};

/// step_dispatcher -> result_processor: these steps are with workers now.
struct steps_leased {
  std::vector<lease> leases;
};

enum class lease_end : std::uint8_t {
  expired,   ///< no heartbeat in time: the attempt counts
  timed_out, ///< longer than the step's timeout_seconds: the attempt counts
  returned,  ///< it never reached a worker: the attempt does not count
};

/// step_dispatcher -> result_processor: a lease is over without a report.
struct lease_ended {
  lease held;
  lease_end why = lease_end::expired;
};

/// result_processor -> step_dispatcher: leases that outlived a restart, found in the rows.
struct adopt_leases {
  std::vector<leased_step> leases;
};

/// What the dispatcher must not hand out now, by namespace or by template; replaces what it knew.
struct set_pauses {
  std::vector<pause_row> pauses;
};

/// reconciler -> result_processor: something should have happened to these tasks; look at them.
struct look_at_tasks {
  std::vector<task_id> ids;
};

/// cluster -> result_processor: this node is the owner of these partitions now; make their open tasks resident.
struct gain_partitions {
  std::vector<std::uint16_t> partitions;
};

/// cluster -> step_dispatcher, then result_processor: these partitions are to go to another node. Nothing of them is
/// dispatched or kept any more; answered when what was held is recorded, and when no turn of theirs is open.
struct lose_partitions {
  std::vector<std::uint16_t> partitions;
  completion<std::uint32_t> done;
};

/// cluster -> result_processor: another node made turns of these tasks; what is known of them is outdated.
struct reread_tasks {
  std::vector<task_id> ids;
};

/// step_dispatcher -> links: workers here that wait for a first step, and those that no longer do.
struct polls_wait {
  std::vector<poll_request> begin;
  std::vector<std::uint64_t> end; ///< poll ids
};

/// A link -> step_dispatcher: the peer is there; tell it who waits.
struct peer_came {
  peer_actor link;
};

/// A link -> step_dispatcher: steps that a peer owns and has leased to a worker here.
struct steps_arrived {
  std::uint64_t poll_id = 0;
  std::vector<leased_step> steps;
  completion<std::vector<lease_token>> unwanted; ///< those that no worker here waits for any more
};

/// Tells a peer that there is something in the database to look at before it would by itself.
struct nudge_peer {
  bool pauses = false;
  bool templates = false;
  bool membership = false;
  std::vector<task_id> tasks; ///< created here, owned by the peer
};

/// Another node has registered templates.
struct refresh_templates {};

/// Looks at the members now instead of at the next beat.
struct beat_now {};

/// The node takes its part in the cluster; answered with the number of resident tasks when it serves its partitions.
struct join_cluster {
  completion<std::uint32_t> done;
};

/// Where the node serves HTTP; known only once it does.
struct announce_url {
  std::string url;
};

/// The node gives its partitions away, and goes on passing calls to their owners; answered when it owns none.
struct hand_over {
  completion<std::uint32_t> done;
};

/// The node is no member any more; answered when its row is gone.
struct leave_cluster {
  completion<std::uint32_t> done;
};

/// Members and partitions as of the last beat.
struct read_members {
  completion<cluster_view> done;
};

/// Asks the dispatcher to take back whatever of these steps is not with a worker yet.
struct withdraw_steps {
  std::vector<step_id> steps;
};

/// Those of the asked steps that are with a worker and can't be taken back.
struct withdrawn_reply {
  std::vector<step_id> still_leased;
};

/// result_processor -> timers: wake me for this step at that time.
struct arm_timer {
  step_id step;
  timestamp due;
};

/// timers -> result_processor.
struct timer_due {
  step_id step;
};

/// supervisor -> result_processor: an actor was restarted (or the node starts): redo open turns from rows, make every
/// open task of this shard resident, announce ready steps, leases and timers again. Idempotent.
struct recover_request {
  completion<std::uint32_t> done; ///< number of resident tasks
};

/// Forget an idle resident task (memory pressure, tests); it comes back from its rows when needed.
struct evict_task {
  task_id id;
};

/// Orderly stop: take nothing new, finish what is open, then answer.
struct drain_request {
  completion<std::uint32_t> done;
};

/// Periodic work of the receiving actor; private.
struct tick {};

} // namespace geartrain

// In-process messages: they move pointers and callbacks and must never leave the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_task_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_task_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_tasks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_tasks_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::commit_turn_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::commit_turn_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::load_task_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::task_rows_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::open_tasks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::open_tasks_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::overdue_tasks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::overdue_tasks_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_audit_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_audit_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::list_dead_letters_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::list_dead_letters_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::add_dead_letter_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::update_dead_letter_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::dead_letter_stats_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::dead_letter_stats_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::investigation_queue_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::investigation_queue_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::staleness_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::staleness_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::performance_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::performance_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::bottlenecks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::bottlenecks_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_events_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_events_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::set_pause_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_pauses_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_pauses_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_inbox_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_inbox_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::settle_inbox_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::beat_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::beat_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::leave_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::touch_tasks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::ask_drain_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_cluster_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::cluster_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::act_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::set_pauses)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::look_at_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::list_tasks_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::list_tasks_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::sync_claims_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::record_refused_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::unit_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::put_template_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::put_template_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::fetch_templates_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::fetch_templates_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::ping_unit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_task_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::create_tasks_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::register_template_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::submit_reports)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_task_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::await_task_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::wait_cancelled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::poll_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::poll_cancelled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::leases_returned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::heartbeat_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::evaluate_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::finalize_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::turn_closed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::steps_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::adopt_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::steps_leased)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::lease_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::adopt_leases)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::gain_partitions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::lose_partitions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::reread_tasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::polls_wait)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::peer_came)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::steps_arrived)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::nudge_peer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::refresh_templates)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::beat_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::join_cluster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::announce_url)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::hand_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::leave_cluster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::read_members)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::withdraw_steps)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::withdrawn_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::arm_timer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::timer_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::recover_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::evict_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::drain_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(geartrain::tick)

namespace geartrain {

/// Pools the connections; answers every unit exactly once. Overfull: errc::overloaded.
using db_actor = caf::typed_actor<
  caf::replies_to<commit_turn_unit>::with<commit_turn_reply>,
  caf::replies_to<create_task_unit>::with<create_task_reply>, caf::replies_to<load_task_unit>::with<task_rows_ptr>,
  caf::replies_to<sync_claims_unit>::with<unit_done>, caf::replies_to<record_refused_unit>::with<unit_done>,
  caf::replies_to<open_tasks_unit>::with<open_tasks_reply>, caf::replies_to<list_tasks_unit>::with<list_tasks_reply>,
  caf::replies_to<put_template_unit>::with<put_template_reply>,
  caf::replies_to<fetch_templates_unit>::with<fetch_templates_reply>, caf::replies_to<ping_unit>::with<unit_done>,
  caf::replies_to<overdue_tasks_unit>::with<overdue_tasks_reply>,
  caf::replies_to<read_audit_unit>::with<read_audit_reply>,
  caf::replies_to<list_dead_letters_unit>::with<list_dead_letters_reply>,
  caf::replies_to<add_dead_letter_unit>::with<unit_done>, caf::replies_to<update_dead_letter_unit>::with<unit_done>,
  caf::replies_to<dead_letter_stats_unit>::with<dead_letter_stats_reply>,
  caf::replies_to<investigation_queue_unit>::with<investigation_queue_reply>,
  caf::replies_to<staleness_unit>::with<staleness_reply>, caf::replies_to<performance_unit>::with<performance_reply>,
  caf::replies_to<bottlenecks_unit>::with<bottlenecks_reply>,
  caf::replies_to<read_events_unit>::with<read_events_reply>, caf::replies_to<set_pause_unit>::with<unit_done>,
  caf::replies_to<read_pauses_unit>::with<read_pauses_reply>, caf::replies_to<read_inbox_unit>::with<read_inbox_reply>,
  caf::replies_to<settle_inbox_unit>::with<unit_done>, caf::replies_to<create_tasks_unit>::with<create_tasks_reply>,
  caf::replies_to<beat_unit>::with<beat_reply>, caf::replies_to<leave_unit>::with<unit_done>,
  caf::replies_to<touch_tasks_unit>::with<unit_done>, caf::replies_to<ask_drain_unit>::with<unit_done>,
  caf::replies_to<read_cluster_unit>::with<cluster_view>>;

using task_intake_actor = caf::typed_actor<caf::reacts_to<create_task_request>, caf::reacts_to<create_tasks_request>,
                                           caf::reacts_to<drain_request>>;

using template_registry_actor =
  caf::typed_actor<caf::reacts_to<register_template_request>, caf::reacts_to<refresh_templates>, caf::reacts_to<tick>>;

/// What the node's own actors and its API ask of the membership; what links and beats need is private to it.
using cluster_actor =
  caf::typed_actor<caf::reacts_to<join_cluster>, caf::reacts_to<hand_over>, caf::reacts_to<leave_cluster>,
                   caf::reacts_to<read_members>, caf::reacts_to<announce_url>, caf::reacts_to<beat_now>>;

using result_processor_actor =
  caf::typed_actor<caf::reacts_to<submit_reports>, caf::reacts_to<turn_closed>, caf::reacts_to<steps_leased>,
                   caf::reacts_to<adopt_tasks>, caf::reacts_to<read_task_request>, caf::reacts_to<timer_due>,
                   caf::reacts_to<lease_ended>, caf::reacts_to<recover_request>, caf::reacts_to<evict_task>,
                   caf::reacts_to<act_request>, caf::reacts_to<look_at_tasks>, caf::reacts_to<await_task_request>,
                   caf::reacts_to<wait_cancelled>, caf::reacts_to<gain_partitions>, caf::reacts_to<lose_partitions>,
                   caf::reacts_to<reread_tasks>, caf::reacts_to<drain_request>>;

using task_coordinator_actor = caf::typed_actor<caf::reacts_to<evaluate_turn>>;

using task_finalizer_actor = caf::typed_actor<caf::reacts_to<finalize_turn>>;

using step_dispatcher_actor =
  caf::typed_actor<caf::reacts_to<poll_request>, caf::reacts_to<steps_ready>, caf::reacts_to<heartbeat_request>,
                   caf::reacts_to<poll_cancelled>, caf::reacts_to<leases_returned>, caf::reacts_to<adopt_leases>,
                   caf::replies_to<withdraw_steps>::with<withdrawn_reply>, caf::reacts_to<set_pauses>,
                   caf::reacts_to<lose_partitions>, caf::reacts_to<peer_came>, caf::reacts_to<steps_arrived>,
                   caf::reacts_to<drain_request>, caf::reacts_to<tick>>;

using reconciler_actor = caf::typed_actor<caf::reacts_to<tick>>;

/// Takes creations over from the inbox; `tick` says that there may be some.
using inbox_actor = caf::typed_actor<caf::reacts_to<tick>, caf::reacts_to<drain_request>>;

using timers_actor = caf::typed_actor<caf::reacts_to<arm_timer>, caf::reacts_to<tick>>;

} // namespace geartrain
