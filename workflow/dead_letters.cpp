#include "workflow/dead_letters.hpp"

#include "workflow/batches.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace geartrain {

namespace {

using nlohmann::json;

// Enough to see what is wrong; the whole task is one request away.
constexpr std::size_t max_steps_shown = 100;

std::string iso(timestamp time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss clock{time - day};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

json unfinished_steps(const task_context& context) {
  auto list = json::array();
  for (std::size_t i = 0; i < context.steps.size() && list.size() < max_steps_shown; ++i) {
    auto& step = context.steps[i];
    auto number = static_cast<std::uint16_t>(i + 1);
    if (step.being != existence::exists || satisfies_children(step.state) ||
        (context.definition_of(number).type == step_type::batch_worker && !context.batch_of(number)))
      continue;
    list.push_back({{"step_uuid", to_string(make_step_id(context.id, number))},
                    {"name", context.name_of(number)},
                    {"current_state", to_string(step.state)},
                    {"attempts", step.attempts.size()},
                    {"error", json::parse(step.error.view_or("null"), nullptr, false)}});
  }
  return list;
}

dead_letter new_letter(const task_context& context, dead_letter_reason reason, const turn_effects& effects,
                       timestamp now) {
  dead_letter letter;
  letter.reason = reason;
  letter.original_state = effects.state_before;
  letter.at = now;
  letter.task_snapshot = task_snapshot_text(context, effects.state_before, effects.state_since_before, now);
  return letter;
}

} // namespace

std::optional<dead_letter> dead_letter_of(const task_context& context, const std::vector<step_outcome>& outcomes,
                                          const turn_effects& effects, timestamp now) {
  if (effects.stale) {
    auto letter = new_letter(context, *effects.stale, effects, now);
    letter.metadata = json_text{R"({"detection_method":"automatic_staleness"})"};
    return letter;
  }
  for (auto& outcome : outcomes) {
    if (!outcome.exhausted || is_tolerated(context, outcome.number))
      continue;
    auto letter = new_letter(context, *outcome.exhausted, effects, now);
    letter.metadata = json_text{json{
      {"step_uuid", to_string(make_step_id(context.id, outcome.number))},
      {"step_name", context.name_of(outcome.number)},
      {"attempts",
       outcome.attempt}}.dump()};
    return letter;
  }
  return std::nullopt;
}

json_text task_snapshot_text(const task_context& context, task_state state, timestamp since, timestamp now) {
  auto& input = *context.input;
  json details{{"correlation_id", to_string(input.correlation_id)},
               {"priority", input.priority},
               {"requested_at", iso(input.requested_at)},
               {"created_at", iso(context.created_at)}};
  auto minutes = std::chrono::duration<double, std::ratio<60>>(now - since).count();
  json snapshot{{"task_uuid", to_string(context.id)},    {"namespace", context.definition->namespace_name},
                {"task_name", context.definition->name}, {"template_version", context.definition->version},
                {"current_state", to_string(state)},     {"time_in_state_minutes", minutes < 0 ? 0 : minutes},
                {"snapshot_timestamp", iso(now)},        {"task_details", std::move(details)},
                {"steps", unfinished_steps(context)}};
  return json_text{snapshot.dump()};
}

} // namespace geartrain
