#include "actors/template_catalog.hpp"
#include "actors/template_loading.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/body_limits.hpp"
#include "runtime/api/query_reader.hpp"
#include "runtime/api/task_json.hpp"
#include "workflow/restore.hpp"

#include <algorithm>

// GET /v1/tasks: one page of tasks, straight from their rows.

namespace geartrain {

namespace {

constexpr std::uint32_t default_per_page = 25;
constexpr std::uint32_t max_per_page = 100;
constexpr std::size_t max_tags = 64;
constexpr std::uint32_t max_page = 10'000'000; // page times size stays inside 32 bits

struct list_query {
  std::uint32_t page = 1;
  std::uint32_t per_page = default_per_page;
  list_tasks_unit unit;
};

std::variant<list_query, http_response> parse_list_query(const http_request& request, timestamp now) {
  problems found;
  query_reader reader{request, found};
  list_query query;
  query.page = reader.number("page", 1, 1, max_page);
  query.per_page = reader.number("per_page", default_per_page, 1, max_per_page);
  query.unit.namespace_name = reader.text("namespace", name_limits);
  query.unit.template_name = reader.text("name", name_limits);
  query.unit.template_version = reader.text("version", name_limits);
  query.unit.tags = reader.texts("tag", max_tags, {1, 128});
  query.unit.correlation_id = reader.id("correlation_id");
  query.unit.created_from = reader.time("created_after");
  query.unit.created_before = reader.time("created_before");
  query.unit.initiator = reader.text("initiator");
  query.unit.source_system = reader.text("source_system");
  if (auto status = reader.text("status")) {
    query.unit.state = parse_task_state(*status);
    if (!query.unit.state)
      reader.wrong("status", "must be a task state such as steps_in_process or complete, not " + *status);
  }
  if (auto before = reader.text("before")) {
    query.unit.before = parse_uuid(*before);
    if (!query.unit.before)
      return error_response(400, "INVALID_UUID", "not a UUID: " + *before);
  }
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  // The total tells nothing about what is left behind a key: one row more does.
  query.unit.limit = query.per_page + (query.unit.before ? 1 : 0);
  query.unit.offset = (query.page - 1) * query.per_page;
  query.unit.now = now;
  return query;
}

http_response page_response(const template_catalog& catalog, const list_query& query, const list_tasks_reply& rows) {
  json_writer out;
  out.begin_object().key("tasks").begin_array();
  for (std::size_t i = 0; i < std::min<std::size_t>(rows.tasks.size(), query.per_page); ++i) {
    const auto& row = *rows.tasks[i];
    write_task(out, *restore_task(row, catalog.find_by_id(row.head.template_id), query.unit.now), query.unit.now);
  }
  auto pages = (rows.total_count + query.per_page - 1) / query.per_page;
  bool has_next = query.unit.before ? rows.tasks.size() > query.per_page : query.page < pages;
  out.end_array().key("pagination").begin_object();
  out.field("page", query.page).field("per_page", query.per_page).field("total_count", rows.total_count);
  out.field("total_pages", pages).field("has_next", has_next).field("has_previous", query.page > 1);
  out.end_object().end_object();
  return json_response(200, out.take());
}

/// A listing on its way. A revision that another node has registered may be missing in the catalog: it is fetched first.
struct listing : std::enable_shared_from_this<listing> {
  api_ptr api;
  responder reply;
  admission_ticket ticket;
  list_query query;
  list_tasks_reply rows;

  void ask() {
    api->calls.ask(query.unit, api->context.read_deadline,
                   completion<list_tasks_reply>{[self = shared_from_this()](expected<list_tasks_reply> answer) {
                     if (!answer)
                       return self->reply(error_of(answer.error()));
                     self->rows = std::move(*answer);
                     self->resolve(0);
                   }});
  }

  /// Continues at the first row from `index` on whose template is unknown here; answers when there is none.
  void resolve(std::size_t index) {
    while (index < rows.tasks.size() && api->context.catalog->find_by_id(rows.tasks[index]->head.template_id))
      ++index;
    if (index == rows.tasks.size())
      return reply.later(
        [self = shared_from_this()] { return page_response(*self->api->context.catalog, self->query, self->rows); });
    fetch_templates_unit missing{0, rows.tasks[index]->head.template_id};
    api->calls.ask(
      missing, api->context.read_deadline,
      completion<fetch_templates_reply>{[self = shared_from_this(), index](expected<fetch_templates_reply> answer) {
        if (!answer)
          return self->reply(error_of(answer.error()));
        self->fetched(index, *answer);
      }});
  }

  void fetched(std::size_t index, const fetch_templates_reply& stored) {
    auto& catalog = *api->context.catalog;
    load_templates(catalog, stored, api->context.template_environment);
    if (!catalog.find_by_id(rows.tasks[index]->head.template_id))
      return reply(error_of({errc::unhandled, "a task's template is not in the database"}));
    resolve(index + 1);
  }
};

void list(const api_ptr& api, const http_request& request, const responder& reply) {
  auto parsed = parse_list_query(request, api->now());
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  auto work = std::make_shared<listing>();
  work->api = api;
  work->reply = reply;
  work->ticket = std::move(ticket);
  work->query = std::move(std::get<list_query>(parsed));
  work->ask();
}

} // namespace

void add_task_list_route(router& routes, const api_ptr& api) {
  routes.add("GET", "/v1/tasks", [api](const http_request& q, const responder& r) { list(api, q, r); });
}

} // namespace geartrain
