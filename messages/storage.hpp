#pragma once

#include "messages/task.hpp"
#include "messages/turn.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Units of work for the database actor and its answers: complete values, never a connection or an open transaction.
// Failures arrive as caf::error made from errc (unavailable: the outcome of a write is unknown).

namespace geartrain {

// -- tasks -------------------------------------------------------------------

/// Creates a task: head row, input and identity in one statement. Safe to repeat with the same id.
struct create_task_unit {
  task_id id;
  std::int64_t template_id = 0;
  task_state state = task_state::steps_in_process;
  std::uint32_t steps_total = 0;
  std::optional<std::string> identity_hash;     ///< 32 raw bytes; absent: always unique
  std::optional<timestamp> identity_expires_at; ///< from then on others may take it; absent: never
  std::optional<timestamp> due_at;              ///< a delayed start
  std::optional<timestamp> deadline_at;         ///< see turn_record
  std::optional<uuid> inbox_request; ///< the row of `task_requests` that asked for it: removed with the creation
  input_snapshot input;
  timestamp now;
};

struct create_task_reply {
  bool created = false; ///< also true if an earlier try of the same unit had done it
  task_id existing;     ///< holder of the identity, when not created
};

/// Creates many tasks in one statement, each as create_task_unit does. No two may have the same identity.
struct create_tasks_unit {
  std::shared_ptr<const std::vector<create_task_unit>> creations;
};

struct create_tasks_reply {
  /// In the order of the creations. Absent: not created, and whoever holds the identity could not be seen yet; the same
  /// unit, sent again by itself, tells.
  std::vector<std::optional<create_task_reply>> outcomes;
};

/// Commits one turn, appended rows and head row as one.
struct commit_turn_unit {
  turn_record record;
};

struct commit_turn_reply {
  bool committed = false; ///< false: another turn had the version already, nothing was written
};

struct head_row {
  task_id id;
  std::int64_t template_id = 0;
  task_state state = task_state::pending;
  std::int32_t version = 0;      ///< of the last turn that wrote this row
  std::uint32_t steps_total = 0; ///< as of that turn
  timestamp created_at;
  timestamp updated_at;
  std::optional<timestamp> completed_at;
  std::optional<timestamp> due_at;
  std::optional<timestamp> deadline_at;
  timestamp state_since;
  bool paused = false;
};

/// A recorded claim: a step that a worker has held for longer than a moment.
struct claim_row {
  std::uint16_t number = 0;
  std::uint16_t attempt = 0;
  std::uint16_t yields = 0; ///< lease_token::yields
  std::uint32_t epoch = 0;
  std::uint64_t lease_nonce = 0;
  std::string worker;
  timestamp claimed_at;
  timestamp token_expires_at; ///< lease_token::expires_at
  timestamp expires_at;       ///< of the lease, heartbeats included
};

/// All rows of one task, as read in one round trip.
struct task_rows {
  std::int32_t version = 0; ///< of the last turn
  head_row head;
  task_input input;
  std::vector<step_outcome> attempts; ///< by step number, then attempt
  std::vector<task_fact> facts;       ///< in the order in which they were written
  std::vector<step_checkpoint> checkpoints;
  std::vector<claim_row> claims; ///< only those whose attempt has no row in `attempts`
};

/// Reads one task; many waiting units share a round trip. No such task: errc::not_found.
struct load_task_unit {
  task_id id;
};

using task_rows_ptr = std::shared_ptr<const task_rows>;

/// One page of the tasks that are not in a terminal state, by id.
struct open_tasks_unit {
  std::vector<std::int16_t> partitions; ///< only tasks of these
  task_id after;                        ///< nil: from the start
  std::uint32_t limit = 500;
};

struct open_task {
  task_id id;
  std::int64_t template_id = 0;
  std::optional<timestamp> wakes_at; ///< until then nothing of it runs: a delayed start, or the first of its retries
};

struct open_tasks_reply {
  std::vector<open_task> tasks;
};

/// One page of the ids of open tasks that something should have happened to: past their deadline, or due for longer than
/// the timers of a living node would let them be. Paused tasks are left alone.
struct overdue_tasks_unit {
  std::vector<std::int16_t> partitions;
  timestamp now;
  milliseconds grace{5000}; ///< how long past its due time a task must be
  std::uint32_t limit = 500;
};

struct overdue_tasks_reply {
  std::vector<task_id> ids;
};

/// One page of tasks, newest first. Absent filters let everything pass.
struct list_tasks_unit {
  std::optional<std::string> namespace_name;
  std::optional<std::string> template_name;
  std::optional<std::string> template_version;
  std::optional<uuid> correlation_id;
  std::vector<std::string> tags; ///< a task must have them all
  std::optional<timestamp> created_from;
  std::optional<timestamp> created_before;
  std::optional<task_state> state;
  std::optional<std::string> initiator;
  std::optional<std::string> source_system;
  std::optional<task_id> before; ///< keyset: only tasks older than this one
  std::uint32_t limit = 25;
  std::uint32_t offset = 0;
  bool counted = true; ///< false: total_count stays 0, which spares a look at all that the filter lets through
  timestamp now;       ///< a task in waiting_for_retry whose time has come counts as steps_in_process
};

struct list_tasks_reply {
  std::vector<task_rows_ptr> tasks;
  std::uint64_t total_count = 0; ///< of the filter, without paging
};

// -- claims and refused reports ------------------------------------------------

/// Records, extends and removes claims in one statement. Never fences anything by itself: the token does.
struct sync_claims_unit {
  std::vector<lease> held;
  std::vector<lease_token> released;
};

/// A result that arrived with an outdated token; kept for the audit.
struct refused_report {
  lease_token token;
  std::string worker;
  bool success = false;
  timestamp received_at;
};

struct record_refused_unit {
  std::vector<refused_report> reports;
};

/// The write is done.
struct unit_done {
  std::uint32_t rows = 0;
};

// -- domain events -----------------------------------------------------------------

/// Durable events after a position, oldest first. A position is only given out when no event before it can still come.
struct read_events_unit {
  std::optional<std::string> namespace_name;
  std::int64_t after = 0;
  std::uint32_t limit = 100;
};

struct stored_event {
  std::int64_t position = 0;
  task_id task;
  std::string namespace_name;
  domain_event event;
};

struct read_events_reply {
  std::vector<stored_event> events;
};

// -- pauses of templates and namespaces -------------------------------------------

/// Nothing of this namespace, or of one template in it (all versions), is dispatched.
struct pause_row {
  std::string namespace_name;
  std::string template_name; ///< empty: the whole namespace
  std::string who;
  std::string reason;
  timestamp since;
};

/// Sets or removes a pause; `rows` of the answer: 1 if it changed anything.
struct set_pause_unit {
  pause_row pause;
  bool paused = true;
};

struct read_pauses_unit {};

struct read_pauses_reply {
  std::vector<pause_row> rows;
};

// -- the inbox -----------------------------------------------------------------------

/// A creation that a user's own transaction asked for.
struct inbox_row {
  uuid id;
  std::string namespace_name;
  std::string name;
  std::optional<std::string> version;
  json_text context;
  json_text options; ///< the other members of a creation request, a JSON object; absent: none
  timestamp requested_at;
};

/// Requests that wait, oldest first; a row stays until it is settled, so two nodes may see the same.
struct read_inbox_unit {
  std::uint32_t limit = 100;
};

struct read_inbox_reply {
  std::vector<inbox_row> rows;
};

/// Removes a request without a task: refused ones leave a dead letter without a task, duplicates nothing.
struct settle_inbox_unit {
  uuid id;
  std::optional<dead_letter> refused;
};

// -- templates -----------------------------------------------------------------

struct put_template_unit {
  std::string namespace_name;
  std::string name;
  std::string version;
  std::string digest;   ///< lower-case hex
  std::string document; ///< canonical JSON
};

struct put_template_reply {
  std::int64_t id = 0;
  std::int64_t activation = 0; ///< grows with each registration; the greatest of a version is its current revision
  bool new_version = false;    ///< this namespace, name and version was not registered before
  bool changed = false;        ///< the current revision is now another one than before
};

/// All revisions activated after `since` (0: all), oldest activation first, or one by id.
struct fetch_templates_unit {
  std::int64_t since = 0;
  std::optional<std::int64_t> id;
};

struct template_row {
  std::int64_t id = 0;
  std::int64_t activation = 0;
  std::string document;
};

struct fetch_templates_reply {
  std::vector<template_row> rows;
};

// -- health ----------------------------------------------------------------------

/// Answers when a round trip to the database works.
struct ping_unit {};

} // namespace geartrain
