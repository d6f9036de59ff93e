#include "workflow/domain_events.hpp"

#include <nlohmann/json.hpp>

namespace geartrain {

namespace {

using nlohmann::json;

bool is_met(event_condition condition, const step_outcome& outcome) {
  auto success = outcome.outcome == attempt_outcome::success;
  auto final_failure = !success && !outcome.next_attempt_at;
  switch (condition) {
    case event_condition::success:
      return success;
    case event_condition::failure:
      return !success;
    case event_condition::retryable_failure:
      return !success && !final_failure;
    case event_condition::permanent_failure:
      return final_failure;
    case event_condition::always:
      return true;
  }
  return false;
}

/// The texts of the worker are passed on as they are, never parsed.
json_text payload_of(const task_context& context, const step_outcome& outcome, const std::string& name) {
  auto success = outcome.outcome == attempt_outcome::success;
  json head{{"event", name},
            {"task_uuid", to_string(context.id)},
            {"step_uuid", to_string(make_step_id(context.id, outcome.number))},
            {"step_name", context.name_of(outcome.number)},
            {"namespace", context.definition->namespace_name},
            {"template_name", context.definition->name},
            {"template_version", context.definition->version},
            {"correlation_id", to_string(context.input->correlation_id)},
            {"attempt", outcome.attempt},
            {"success", success}};
  auto text = head.dump();
  text.back() = ',';
  text += R"("result":)";
  text += success ? outcome.result.view_or("null") : "null";
  text += R"(,"error":)";
  text += success ? "null" : outcome.error.view_or("null");
  text += '}';
  return json_text{std::move(text)};
}

} // namespace

std::vector<domain_event> events_of(const task_context& context, const std::vector<step_outcome>& outcomes) {
  std::vector<domain_event> events;
  for (auto& outcome : outcomes)
    for (auto& declared : context.definition_of(outcome.number).publishes_events)
      if (is_met(declared.condition, outcome))
        events.push_back({outcome.number, declared.name, declared.delivery, outcome.finished_at,
                          payload_of(context, outcome, declared.name)});
  return events;
}

} // namespace geartrain
