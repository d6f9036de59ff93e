#pragma once

#include "actors/directory.hpp"
#include "messages/requests.hpp"

#include <vector>

// The way of a message about a task to whoever owns the task: an actor of this node, or the link to the node that has it.
// If that node can't be reached the message is dealt with here. All thread-safe; answers come through the completions.

namespace geartrain {

/// read_task_request, await_task_request, wait_cancelled or act_request.
template <class Message>
void send_to_owner(const directory& actors, const task_id& task, Message message) {
  if (auto peer = actors.cluster().owner_of(task))
    caf::anon_send(peer, std::move(message));
  else
    caf::anon_send(actors.processor_of(task), std::move(message));
}

/// Reports in one message to each owner.
void send_reports(const directory& actors, std::vector<report_message> reports);

/// The same, but to the actors of this node whoever owns the tasks.
void send_reports_here(const directory& actors, std::vector<report_message> reports);

/// Heartbeats for leases of several owners; answered in the order of the tokens, or with the first failure.
void send_heartbeat(const directory& actors, heartbeat_request request);

/// Leases that reached no worker go back to whoever gave them out.
void send_returned(const directory& actors, std::vector<lease_token> tokens);

} // namespace geartrain
