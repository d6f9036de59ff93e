#include "workflow/outcomes.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <unordered_set>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr auto decision_key = "decision_point_outcome";
constexpr auto batch_key = "batch_processing_outcome";
constexpr std::size_t max_batch_id = 128;

json parse(const json_text& text) {
  return json::parse(text.view_or("null"), nullptr, false);
}

bool has_member(const json_text& text, const char* key) {
  auto document = parse(text);
  return document.is_object() && document.contains(key);
}

failure bad(const std::string& why) {
  return {errc::invalid, why};
}

/// The outcome object, or why there is none.
expected<json> outcome_at(const json_text& result, const char* key) {
  auto document = parse(result);
  if (!document.is_object() || !document.contains(key))
    return bad(std::string{"the result has no `"} + key + "`; a step of this type must return one");
  auto& outcome = document[key];
  if (!outcome.is_object() || !outcome.contains("type") || !outcome["type"].is_string())
    return bad(std::string{"`"} + key + "` must be an object with a string `type`");
  return std::move(outcome);
}

expected<batch_cursor> read_cursor(const json& item, std::size_t index) {
  auto where = "`cursor_configs[" + std::to_string(index) + "]`";
  if (!item.is_object())
    return bad(where + " must be an object");
  auto id = item.find("batch_id");
  if (id == item.end() || !id->is_string() || id->get_ref<const std::string&>().empty() ||
      id->get_ref<const std::string&>().size() > max_batch_id)
    return bad(where + " needs a `batch_id` of 1 to 128 characters");
  auto size = item.find("batch_size");
  if (size != item.end() && (!size->is_number_unsigned() || *size > std::numeric_limits<std::uint32_t>::max()))
    return bad(where + ": `batch_size` must be an unsigned 32-bit integer");
  json cursor{{"batch_id", *id},
              {"start_cursor", item.value("start_cursor", json{})},
              {"end_cursor", item.value("end_cursor", json{})},
              {"batch_size", size == item.end() ? json{} : *size}};
  return batch_cursor{id->get<std::string>(), json_text{cursor.dump()}};
}

expected<std::vector<batch_cursor>> read_cursors(const json& outcome) {
  auto list = outcome.find("cursor_configs");
  if (list == outcome.end() || !list->is_array() || list->empty())
    return bad("`create_batches` needs `cursor_configs`, a list of at least one cursor; use `no_batches` for none");
  std::vector<batch_cursor> cursors;
  std::unordered_set<std::string> seen;
  cursors.reserve(list->size());
  for (auto& item : *list) {
    auto cursor = read_cursor(item, cursors.size());
    if (!cursor)
      return cursor.error();
    if (!seen.insert(cursor->batch_id).second)
      return bad("the batch_id '" + cursor->batch_id + "' is given twice");
    cursors.push_back(std::move(*cursor));
  }
  return cursors;
}

expected<std::string> read_worker_name(const json& outcome) {
  auto name = outcome.find("worker_template_name");
  if (name == outcome.end() || name->is_null())
    return std::string{};
  if (!name->is_string())
    return bad("`worker_template_name` must be a string");
  return name->get<std::string>();
}

} // namespace

expected<decision_outcome> read_decision_outcome(const json_text& result) {
  auto outcome = outcome_at(result, decision_key);
  if (!outcome)
    return outcome.error();
  auto type = (*outcome)["type"].get<std::string>();
  if (type == "no_branches")
    return decision_outcome{};
  if (type != "create_steps")
    return bad("the decision's type '" + type + "' is unknown; use create_steps or no_branches");
  auto names = outcome->find("step_names");
  if (names == outcome->end() || !names->is_array())
    return bad("`create_steps` needs `step_names`, a list of names");
  decision_outcome chosen;
  std::unordered_set<std::string> seen;
  for (auto& name : *names) {
    if (!name.is_string())
      return bad("`step_names` must be a list of strings");
    if (seen.insert(name.get<std::string>()).second)
      chosen.step_names.push_back(name.get<std::string>());
  }
  return chosen;
}

expected<batch_outcome> read_batch_outcome(const json_text& result) {
  auto outcome = outcome_at(result, batch_key);
  if (!outcome)
    return outcome.error();
  auto type = (*outcome)["type"].get<std::string>();
  if (type != "no_batches" && type != "create_batches")
    return bad("the batch outcome's type '" + type + "' is unknown; use create_batches or no_batches");
  auto worker = read_worker_name(*outcome);
  if (!worker)
    return worker.error();
  batch_outcome batch{std::move(*worker), {}};
  if (type == "no_batches")
    return batch;
  auto cursors = read_cursors(*outcome);
  if (!cursors)
    return cursors.error();
  batch.cursors = std::move(*cursors);
  return batch;
}

bool has_decision_outcome(const json_text& result) {
  return has_member(result, decision_key);
}

bool has_batch_outcome(const json_text& result) {
  return has_member(result, batch_key);
}

json_text without_cursors(const json_text& result) {
  auto document = parse(result);
  if (document.is_object() && document.contains(batch_key) && document[batch_key].is_object())
    document[batch_key].erase("cursor_configs");
  return json_text{document.dump()};
}

std::string worker_named_by(const json_text& initialization) {
  auto document = parse(initialization);
  if (!document.is_object())
    return {};
  auto name = document.find("worker_template_name");
  return name != document.end() && name->is_string() ? name->get<std::string>() : std::string{};
}

json_text batch_inputs(const task_context& context, std::uint16_t number) {
  auto& definition = context.definition_of(number);
  auto inputs = parse(definition.handler.initialization);
  if (!inputs.is_object())
    inputs = json::object();
  auto settings = definition.batch.value_or(batch_settings{});
  inputs["cursor"] = parse(context.cursor_of(number).cursor);
  inputs["batch_metadata"] = {{"cursor_field", settings.cursor_field},
                              {"failure_strategy", to_string(settings.failure_strategy)}};
  inputs["is_no_op"] = context.batch_of(number)->no_op;
  inputs["__template_step_name"] = definition.name;
  return json_text{inputs.dump()};
}

} // namespace geartrain
