#pragma once

#include "messages/completion.hpp"
#include "messages/problem.hpp"
#include "messages/task.hpp"
#include "messages/turn.hpp"
#include "messages/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the outside asks of the actors. Each message carries the completion that must be answered once.

namespace geartrain {

// -- task_intake ---------------------------------------------------------------

struct create_task {
  std::string namespace_name;
  std::string name;
  std::optional<std::string> version; ///< absent: the newest registered
  task_input input;                   ///< requested_at is set by the intake
  std::optional<identity_strategy> identity;
  std::optional<std::string> idempotency_key;
  std::optional<std::chrono::seconds> identity_ttl; ///< how long the identity is held; absent: for ever
  std::optional<uuid> inbox_request;                ///< see create_task_unit
};

struct task_created {
  task_snapshot task;
};

struct duplicate_task {
  task_id existing;
};

/// The context breaks the template's input_schema.
struct context_refused {
  problems found;
};

using create_task_result = std::variant<task_created, duplicate_task, context_refused>;

/// errc::not_found for an unknown template; errc::invalid for what breaks a rule of the request.
struct create_task_request {
  create_task task;
  completion<create_task_result> done;
};

/// A creation among others that succeeded.
struct accepted_task {
  task_id id;
  uuid correlation_id;
};

/// What became of one creation among others; failures are those of create_task_request.
using creation_outcome = std::variant<accepted_task, duplicate_task, context_refused, failure>;

/// Many creations as one unit of work; none is touched by what becomes of the others. Of those with the same identity the
/// first counts, the others are its duplicates. Answered in their order; a failure of the whole leaves it unknown whether
/// any was created.
struct create_tasks_request {
  std::vector<create_task> tasks;
  completion<std::vector<creation_outcome>> done;
};

// -- template_registry ---------------------------------------------------------

struct template_registered {
  template_snapshot definition;
  bool new_version = false;
};

struct template_refused {
  problems found;
};

using register_template_result = std::variant<template_registered, template_refused>;

struct register_template_request {
  std::string text;
  bool is_json = false; ///< false: YAML
  completion<register_template_result> done;
};

// -- result_processor ------------------------------------------------------------

struct report_message {
  step_report report;
  completion<report_answer> done;
};

/// Reports of tasks that belong to the receiving shard.
struct submit_reports {
  std::vector<report_message> reports;
};

/// errc::not_found if there is no such task.
struct read_task_request {
  task_id id;
  completion<task_snapshot> done;
};

/// As read_task_request, but answered when the task is in a terminal state, or after `wait` with the state that it then has.
struct await_task_request {
  task_id id;
  std::uint64_t wait_id = 0; ///< unique in the process; names the request in wait_cancelled
  milliseconds wait{0};
  completion<task_snapshot> done;
};

/// The client of an await_task_request went away.
struct wait_cancelled {
  task_id id;
  std::uint64_t wait_id = 0;
};

/// An operator's act on a task or one of its steps; answered with the task after the turn. errc::not_found, or
/// errc::conflict if the state does not allow it.
struct act_request {
  task_id task;
  operator_act act;
  completion<task_snapshot> done;
  bool in_doubt = false; ///< sent before to a node that never answered: what forbids it now may be the act itself
};

// -- step_dispatcher -------------------------------------------------------------

struct poll_request {
  std::uint64_t poll_id = 0; ///< unique in the process; names the poll in poll_cancelled
  std::string worker;
  std::vector<std::string> namespaces;
  std::optional<std::vector<std::string>> handlers; ///< only these callables; absent: any
  std::uint32_t max_steps = 1;
  milliseconds wait{0};
  completion<std::vector<leased_step>> done;
  bool from_peer = false; ///< the worker waits at another node: it comes after those that wait here
};

/// The client of a waiting poll went away.
struct poll_cancelled {
  std::uint64_t poll_id = 0;
};

/// These leases were given out but never reached their worker: make the steps ready again, the attempt did not happen.
struct leases_returned {
  std::vector<lease_token> tokens;
};

struct heartbeat_request {
  std::string worker;
  std::vector<lease_token> tokens;
  completion<std::vector<heartbeat_answer>> done; ///< in the order of `tokens`
};

} // namespace geartrain
