#include "runtime/api/create_request.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/http/fresh_uuid.hpp"

namespace geartrain {

namespace {

constexpr std::size_t max_context_depth = max_creation_depth - 1;
constexpr std::size_t max_tags = 64;
constexpr std::int64_t priority_bound = 100;
constexpr std::int64_t max_identity_ttl_seconds = std::int64_t{10} * 366 * 24 * 3600;

json_text read_context(object_reader& body) {
  auto context = body.object("context", true);
  if (!context)
    return json_text{"{}"};
  if (json_depth(context->text()) > max_context_depth)
    body.wrong("context", "is nested deeper than " + std::to_string(max_context_depth) + " levels");
  return json_text{std::string{context->text()}};
}

std::optional<identity_strategy> read_identity(object_reader& body) {
  auto name = body.text("identity_strategy", {1, 255});
  auto strategy = name ? parse_identity_strategy(*name) : std::nullopt;
  if (name && !strategy)
    body.wrong("identity_strategy", "must be strict, caller_provided or always_unique, not " + *name);
  return strategy;
}

} // namespace

create_task read_create_task(const json_view& object, problems& found) {
  object_reader body{object, "", found};
  create_task task;
  task.namespace_name = body.text("namespace", {1, 255}, presence::required).value_or("");
  task.name = body.text("name", {1, 255}, presence::required).value_or("");
  task.version = body.text("version", {1, 255});
  task.identity = read_identity(body);
  task.idempotency_key = body.text("idempotency_key", {1, 255});
  if (auto seconds = body.integer("idempotency_key_ttl_seconds", 1, max_identity_ttl_seconds))
    task.identity_ttl = std::chrono::seconds{*seconds};
  task.input.context = read_context(body);
  task.input.initiator = body.text("initiator", {0, 255}).value_or("api");
  task.input.source_system = body.text("source_system", {0, 255}).value_or("api");
  task.input.reason = body.text("reason", {0, 1024}).value_or("requested");
  task.input.tags = body.texts("tags", max_tags, {1, 128}).value_or(std::vector<std::string>{});
  task.input.priority =
    static_cast<std::int16_t>(body.integer("priority", -priority_bound, priority_bound).value_or(0));
  auto correlation = body.id("correlation_id");
  task.input.correlation_id = correlation ? *correlation : fresh_uuid();
  task.input.parent_correlation_id = body.id("parent_correlation_id");
  task.input.start_at = body.time("start_at");
  return task;
}

std::variant<create_task, http_response> parse_create_task(std::string_view text) {
  auto parsed = parse_body(text, max_creation_depth);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return std::move(*refused);
  problems found;
  auto task = read_create_task(std::get<json_view>(parsed), found);
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  return task;
}

} // namespace geartrain
