#pragma once

#include "messages/cluster.hpp"
#include "messages/expected.hpp"
#include "messages/task.hpp"
#include "messages/turn.hpp"
#include "messages/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What nodes say to each other. All of it is plain values that can be serialized; how: messages/wire.hpp. Templates travel
// as their storage key alone, and the receiver puts its own copy in their place.

namespace geartrain {

// -- calls: answered once each --------------------------------------------------

/// Reports of tasks that the receiver owns.
struct report_call {
  std::vector<step_report> reports;
};

struct read_call {
  task_id id;
};

/// As read_call, but answered when the task is over, or after `wait`.
struct await_call {
  task_id id;
  milliseconds wait{0};
};

struct act_call {
  task_id task;
  operator_act act;
};

/// Leases of tasks that the receiver owns.
struct heartbeat_call {
  std::string worker;
  std::vector<lease_token> tokens;
};

using peer_call_body = std::variant<report_call, read_call, await_call, act_call, heartbeat_call>;

struct peer_call {
  std::uint64_t id = 0; ///< of the caller; returned in the answer
  peer_call_body body;
};

/// To report_call, in the order of the reports.
struct report_answers {
  std::vector<std::variant<report_answer, failure>> answers;
};

/// To read_call, await_call and act_call.
struct task_answer {
  task_snapshot task;
};

/// To heartbeat_call, in the order of the tokens.
struct heartbeat_answers {
  std::vector<heartbeat_answer> answers;
};

using peer_answer_body = std::variant<failure, report_answers, task_answer, heartbeat_answers>;

struct peer_answer {
  std::uint64_t id = 0;
  peer_answer_body body;
};

// -- notices: not answered --------------------------------------------------------

/// A worker that waits at the sender for a first step.
struct waiting_worker {
  std::uint64_t poll_id = 0; ///< of the sender
  std::string worker;
  std::vector<std::string> namespaces;
  std::optional<std::vector<std::string>> handlers; ///< only these callables; absent: any
  std::uint32_t max_steps = 1;
};

/// These workers began to wait, those do so no longer.
struct workers_wait {
  std::vector<waiting_worker> begin;
  std::vector<std::uint64_t> end; ///< poll ids
};

/// Steps that the sender owns, leased to a worker that waits at the receiver.
struct steps_offered {
  std::uint64_t poll_id = 0; ///< of the receiver
  std::vector<leased_step> steps;
};

/// Leases that the receiver gave out and that reached no worker.
struct offers_returned {
  std::vector<lease_token> tokens;
};

/// Nobody waits for the answer to this await_call any more.
struct wait_ended {
  std::uint64_t call = 0;
  task_id task;
};

/// Something changed in the database that the receiver should look at before it would by itself.
struct look_again {
  bool pauses = false;
  bool templates = false;
  bool membership = false;    ///< partitions were given away, or a node is leaving
  std::vector<task_id> tasks; ///< created by the sender, owned by the receiver
};

using peer_notice_body = std::variant<workers_wait, steps_offered, offers_returned, wait_ended, look_again>;

struct peer_notice {
  peer_notice_body body;
};

/// The first message in each direction: who speaks. The handle of the speaking link travels beside it.
struct peer_hello {
  node_id id;
  std::uint32_t wire = wire_version;
};

} // namespace geartrain
