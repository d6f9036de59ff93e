#include "runtime/api/act_body.hpp"
#include "runtime/api/api_ask.hpp"
#include "runtime/api/dlq_json.hpp"
#include "runtime/api/task_access.hpp"
#include "runtime/api/task_json.hpp"
#include "runtime/http/fresh_uuid.hpp"
#include "workflow/dead_letters.hpp"

// Opening a case by hand, and sending the task of a case on its way again.

namespace geartrain {

namespace {

http_response unknown_entry(const uuid& id) {
  return error_response(404, "NOT_FOUND", "the dead-letter queue has no entry " + to_string(id));
}

// -- POST /v1/dlq/task/{task_uuid} -------------------------------------------------

dead_letter new_case(const task_context& task, const operator_note& note, timestamp now) {
  dead_letter letter;
  letter.id = fresh_uuid();
  letter.reason = dead_letter_reason::manual_dlq;
  letter.original_state = task.state;
  letter.at = now;
  letter.task_snapshot = task_snapshot_text(task, task.state, task.state_since, now);
  json_writer metadata;
  metadata.begin_object().field("detection_method", "manual").field("opened_by", note.who);
  letter.metadata = json_text{metadata.field("reason", note.reason).end_object().take()};
  return letter;
}

void open_case(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "task_uuid", reply);
  if (!id)
    return;
  auto parsed = parse_note(request, "opened_by");
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  read_task(
    api, *id, reply,
    [api, reply, note = std::get<operator_note>(parsed)](const task_snapshot& task, const admission_ticket& ticket) {
      dead_letter_row opened;
      opened.letter = new_case(*task, note, api->now());
      opened.task = task->id;
      opened.updated_at = opened.letter.at;
      add_dead_letter_unit unit{task->id, opened.letter};
      ask_then(api, reply, std::move(unit), [reply, ticket, opened](const unit_done& done) {
        if (done.rows == 0)
          return reply(error_response(409, "CONFLICT", "the task has a pending entry already"));
        json_writer out;
        write_case(out, opened);
        reply(json_response(201, out.take()));
      });
    });
}

// -- POST /v1/dlq/entry/{dlq_entry_uuid}/redrive -------------------------------------

/// A redrive on its way: the case is read, its task revived, the case closed.
struct redrive : std::enable_shared_from_this<redrive> {
  api_ptr api;
  responder reply;
  admission_ticket ticket;
  uuid entry;
  operator_note note;

  void start() {
    list_dead_letters_unit unit;
    unit.id = entry;
    unit.limit = 1;
    ask_then(api, reply, std::move(unit), [self = shared_from_this()](const list_dead_letters_reply& found) {
      if (found.rows.empty())
        return self->reply(unknown_entry(self->entry));
      if (!found.rows.front().task)
        return self->reply(error_response(409, "CONFLICT", "the entry has no task that could be redriven"));
      self->revive(*found.rows.front().task);
    });
  }

  void revive(const task_id& task) {
    act_request asked{task, {}, {}};
    asked.act.kind = act_kind::redrive_task;
    asked.act.who = note.who;
    asked.act.reason = note.reason;
    asked.done = completion<task_snapshot>{[self = shared_from_this()](expected<task_snapshot> after) {
      if (!after)
        return self->refused(after.error());
      self->close(*after);
    }};
    api->calls.act(std::move(asked));
  }

  /// A task that is gone can't be revived any more than one that is not in error.
  void refused(const failure& why) const {
    if (why.code == errc::not_found)
      return reply(error_response(409, "CONFLICT", "the task of this entry does not exist any more"));
    reply(error_of(why));
  }

  void close(const task_snapshot& task) {
    update_dead_letter_unit unit;
    unit.id = entry;
    unit.status = resolution_status::manually_resolved;
    unit.notes = note.reason.empty() ? "redriven" : "redriven: " + note.reason;
    unit.resolved_by = note.who;
    unit.now = api->now();
    api->calls.ask(std::move(unit), api->context.read_deadline,
                   completion<unit_done>{[self = shared_from_this(), task](const expected<unit_done>& closed) {
                     self->reply.later([self, task, closed] { return self->response(*task, closed); });
                   }});
  }

  /// The task is on its way, whatever became of the entry.
  http_response response(const task_context& task, const expected<unit_done>& closed) const {
    json_writer out;
    out.begin_object().field("success", static_cast<bool>(closed));
    out.field("message", closed ? "the task was redriven and the entry closed"
                                : "the task was redriven, but the entry is still open: " + closed.error().message);
    out.field("dlq_entry_uuid", entry).key("task");
    write_task(out, task, api->now());
    return about_task(200, task, out.end_object().take());
  }
};

void redrive_task(const api_ptr& api, const http_request& request, const responder& reply) {
  auto id = path_uuid(request, "dlq_entry_uuid", reply);
  if (!id)
    return;
  auto parsed = parse_note(request, "redriven_by");
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  auto work = std::make_shared<redrive>();
  work->api = api;
  work->reply = reply;
  work->ticket = std::move(ticket);
  work->entry = *id;
  work->note = std::move(std::get<operator_note>(parsed));
  work->start();
}

} // namespace

void add_dlq_acts(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  routes.add(
    "POST", "/v1/dlq/task/{task_uuid}", [api](const http_request& q, const responder& r) { open_case(api, q, r); },
    body);
  routes.add(
    "POST", "/v1/dlq/entry/{dlq_entry_uuid}/redrive",
    [api](const http_request& q, const responder& r) { redrive_task(api, q, r); }, body);
}

} // namespace geartrain
