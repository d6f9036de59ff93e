#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/create_request.hpp"
#include "runtime/api/creation_errors.hpp"
#include "runtime/api/json_writer.hpp"
#include "runtime/api/object_reader.hpp"
#include "workflow/strict_json.hpp"

// POST /v1/tasks/bulk: many creations in one call and one round trip to the database, each with its own outcome.

namespace geartrain {

namespace {

constexpr std::size_t max_creations = 1000;

/// Of the whole body: far above what an item may have, so that one item that is too deep does not spoil its neighbours.
constexpr std::size_t max_bulk_depth = 512;

/// A body of many creations: JSON, and an object. `spoiled`: some of it can't be kept, so each creation must be checked.
struct bulk_body {
  json_view object;
  bool spoiled = false;
};

std::variant<bulk_body, http_response> parse_bulk(std::string_view text) {
  auto parsed = parse_body(text, max_bulk_depth);
  if (const auto* object = std::get_if<json_view>(&parsed))
    return bulk_body{*object, false};
  auto plain_json =
    text.find('\0') == std::string_view::npos && json_depth(text) <= max_bulk_depth && nlohmann::json::accept(text);
  if (plain_json && json_view{text}.type() == json_view::kind::object)
    return bulk_body{json_view{text}, true};
  return std::move(std::get<http_response>(parsed));
}

/// One call from its parsed body to its answer.
class bulk_call : public std::enable_shared_from_this<bulk_call> {
public:
  bulk_call(api_ptr api, responder reply, admission_ticket ticket)
    : api_(std::move(api)), reply_(std::move(reply)), ticket_(std::move(ticket)) {}

  void start(const std::vector<json_view>& items, bool spoiled) {
    create_tasks_request asked;
    asked.tasks.reserve(items.size());
    refused_.resize(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      if (auto why = spoiled ? check_strict_json(items[i].text(), {.max_depth = max_bulk_depth}) : std::nullopt)
        refused_[i] = error_response(400, "JSON_ERROR", "not valid JSON: " + why->message);
      else
        read(items[i], i, asked.tasks);
    if (asked.tasks.empty())
      return answer();
    asked.done = completion<std::vector<creation_outcome>>{
      [self = shared_from_this()](expected<std::vector<creation_outcome>> outcomes) {
        self->ticket_.reset();
        if (!outcomes)
          return self->reply_(error_of(outcomes.error()));
        self->outcomes_ = std::move(*outcomes);
        self->answer();
      }};
    api_->calls.create_all(std::move(asked));
  }

private:
  /// Adds what the item asks for to `tasks`, or notes why it can't be asked.
  void read(const json_view& item, std::size_t place, std::vector<create_task>& tasks) {
    if (item.type() != json_view::kind::object) {
      refused_[place] = error_response(400, "BAD_REQUEST", "must be an object, not " + excerpt(item));
    } else if (json_depth(item.text()) > max_creation_depth) {
      refused_[place] =
        error_response(400, "BAD_REQUEST", "is nested deeper than " + std::to_string(max_creation_depth) + " levels");
    } else {
      problems found;
      tasks.push_back(read_create_task(item, found));
      if (found.empty())
        return;
      tasks.pop_back();
      refused_[place] = problems_error(400, "BAD_REQUEST", "", found);
    }
  }

  void answer() {
    reply_.later([self = shared_from_this()] { return self->compose(); });
  }

  http_response compose() const {
    json_writer out;
    out.begin_object().key("results").begin_array();
    std::size_t created = 0;
    auto next = outcomes_.begin();
    for (const auto& refused : refused_) {
      if (refused)
        write_error(out, *refused);
      else
        created += write_outcome(out, *next++) ? 1 : 0;
    }
    out.end_array().field("created", created).field("failed", refused_.size() - created).end_object();
    return json_response(200, out.take());
  }

  /// True if the task was created.
  static bool write_outcome(json_writer& out, const creation_outcome& outcome) {
    if (const auto* task = std::get_if<accepted_task>(&outcome)) {
      out.begin_object().field("status", 201).field("task_uuid", task->id);
      out.field("correlation_id", task->correlation_id).end_object();
      return true;
    }
    if (const auto* duplicate = std::get_if<duplicate_task>(&outcome))
      write_error(out, duplicate_error(duplicate->existing));
    else if (const auto* refused = std::get_if<context_refused>(&outcome))
      write_error(out, context_error(refused->found));
    else
      write_error(out, error_of(std::get<failure>(outcome)));
    return false;
  }

  /// {"status":…,"error":{…}}: the body that the error would have as an answer of its own, after its status.
  static void write_error(json_writer& out, const http_response& error) {
    out.raw("{\"status\":" + std::to_string(error.status) + "," + error.body.substr(1));
  }

  api_ptr api_;
  responder reply_;
  admission_ticket ticket_;
  std::vector<std::optional<http_response>> refused_; ///< by place; absent: asked for
  std::vector<creation_outcome> outcomes_;            ///< of those that were asked for, in their order
};

void create_many(const api_ptr& api, const http_request& request, const responder& reply) {
  if (api->refused_creation(reply))
    return;
  if (!api->admit(admission_kind::creation, 1, reply)) // before a large body costs anything
    return;
  auto parsed = parse_bulk(request.body);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return reply(std::move(*refused));
  problems found;
  auto& given = std::get<bulk_body>(parsed);
  object_reader body{given.object, "", found};
  auto items = body.array("tasks", max_creations, presence::required);
  if (items && items->empty())
    body.wrong("tasks", "must not be empty");
  if (!found.empty())
    return reply(problems_error(400, "BAD_REQUEST", "", found));
  if (auto ticket = api->admit(admission_kind::creation, static_cast<std::uint32_t>(items->size()), reply))
    std::make_shared<bulk_call>(api, reply, std::move(ticket))->start(*items, given.spoiled);
}

} // namespace

void add_bulk_route(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_bulk_body_bytes;
  routes.add(
    "POST", "/v1/tasks/bulk", [api](const http_request& q, const responder& r) { create_many(api, q, r); }, body);
}

} // namespace geartrain
