#pragma once

#include "runtime/api/api_state.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

// What the routes about one task have in common.

namespace geartrain {

/// A JSON answer that carries the task's correlation id in its header, as every answer about one task does.
http_response about_task(unsigned status, const task_context& task, std::string body);

/// The answer with the whole task, or with one step of it: 404 if that does not exist.
http_response task_response(const task_context& task, timestamp now);
http_response step_response(const task_context& task, const step_id& step, timestamp now);

http_response unknown_task(const task_id& id);
http_response unknown_step(const step_id& id);

/// The UUID in the path; without one the request has been answered.
std::optional<uuid> path_uuid(const http_request& request, std::string_view name, const responder& reply);

/// A task and one of its steps, as the path names them.
struct step_path {
  task_id task;
  step_id step;
};

/// Both UUIDs in the path; without one of them the request has been answered.
std::optional<step_path> path_step(const http_request& request, const responder& reply);

/// Reads a task. Without one the request is answered; `go_on` runs on a thread of an actor and must see to the answer. It
/// gets the ticket for the read, to hold it as long as it needs.
void read_task(const api_ptr& api, const task_id& id, const responder& reply,
               std::function<void(task_snapshot, admission_ticket)> go_on);

using show_task = std::function<http_response(const task_context& task, timestamp now)>;

/// Reads a task and answers with what `show` makes of it.
void show_one(const api_ptr& api, const task_id& id, const responder& reply, show_task show);

/// The same, but waits for the end of the task, at most for `wait`. When as many wait as may, or the node is going down, the
/// answer comes at once.
void await_one(const api_ptr& api, const task_id& id, milliseconds wait, const responder& reply, show_task show);

/// Has an operator's act done and answers with what `show` makes of the task after it.
void act_on_task(const api_ptr& api, const task_id& id, operator_act act, const responder& reply, show_task show);

} // namespace geartrain
