#include "runtime/cli/insight_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

using json = nlohmann::json;

namespace {

table_cell state_cell(const json& object, const char* key) {
  auto state = field(object, key);
  return {state, colour_of_state(state)};
}

/// "what: type, status 402, not retryable" of a step's error in a summary.
std::string short_error(const json& error) {
  if (!error.is_object())
    return {};
  auto text = field(error, "error_type");
  if (!member(error, "status_code").is_null())
    text += ", status " + field(error, "status_code");
  return text + (member(error, "retryable") == false ? ", not retryable" : "");
}

std::string percent(const json& object, const char* key) {
  auto text = decimal(object, key);
  return text == "-" ? text : text + " %";
}

std::string seconds(const json& object, const char* key) {
  auto text = decimal(object, key);
  return text == "-" ? text : text + " s";
}

std::string render_slow(const json& items, bool steps, const style& paint) {
  table rows{{steps ? "SLOW STEP" : "SLOW TASK", "AVERAGE", "LONGEST", "EXECUTIONS", "ERRORS", "LAST"}};
  for (const auto& item : items) {
    auto name =
      fmt::format("{}/{}/{}", field(item, "namespace_name"), field(item, "task_name"), field(item, "version"));
    rows.add({{steps ? name + "/" + field(item, "step_name") : name},
              {seconds(item, "average_duration_seconds")},
              {seconds(item, "max_duration_seconds")},
              {field(item, "execution_count")},
              {field(item, "error_count")},
              {time_field(item, "last_executed_at")}});
  }
  return rows.empty() ? std::string{} : rows.render(paint) + "\n";
}

} // namespace

std::string render_summary(const nlohmann::json& summary, const style& paint) {
  auto out = render_task(member(summary, "task"), paint);
  const auto& cases = member(summary, "dlq");
  if (!member(cases, "dlq_reason").is_null())
    add_line(out, "dead letter", field(cases, "dlq_reason") + ", " + field(cases, "resolution_status"), paint,
             colour::yellow);
  table rows{{"STEP", "STATE", "ATTEMPTS", "COMPLETED", "ERROR"}};
  for (const auto& step : member(summary, "steps"))
    rows.add({{field(step, "name")},
              state_cell(step, "current_state"),
              {fmt::format("{}/{}", number(step, "attempts"), number(step, "max_attempts"))},
              {time_field(step, "completed_at")},
              {short_error(member(step, "error"))}});
  return out + "\n" + rows.render(paint);
}

std::string render_audit(const nlohmann::json& rows, const style& paint) {
  table lines{{"RECORDED", "KIND", "ATTEMPT", "SUCCESS", "FROM", "TO", "WHO", "REASON"}};
  for (const auto& row : rows) {
    auto act = !member(row, "who").is_null();
    lines.add({{time_field(row, "recorded_at")},
               {field(row, "kind")},
               {field(row, "attempt")},
               {member(row, "success") == true ? "yes" : "no"},
               state_cell(row, "from_state"),
               state_cell(row, "to_state"),
               {field(row, act ? "who" : "worker_id")},
               {field(row, "reason")}});
  }
  return lines.empty() ? "nothing is recorded yet\n" : lines.render(paint);
}

std::string render_pauses(const nlohmann::json& body, const style& paint) {
  table rows{{"NAMESPACE", "TEMPLATE", "SINCE", "BY", "REASON"}};
  for (const auto& pause : member(body, "pauses"))
    rows.add({{field(pause, "namespace")},
              {member(pause, "template").is_null() ? "all" : field(pause, "template")},
              {time_field(pause, "paused_at")},
              {field(pause, "paused_by")},
              {field(pause, "reason")}});
  return rows.empty() ? "nothing is paused\n" : rows.render(paint);
}

std::string render_performance(const nlohmann::json& body, const style& paint) {
  std::string out;
  add_line(out, "since", time_field(body, "analysis_period_start"), paint);
  add_line(out, "health", decimal(body, "system_health_score"), paint, colour::bold);
  for (const auto& [name, key] : {std::pair{"tasks", "total_tasks"},
                                  {"active", "active_tasks"},
                                  {"completed", "completed_tasks"},
                                  {"failed", "failed_tasks"}})
    add_line(out, name, field(body, key), paint);
  add_line(out, "completion", percent(body, "completion_rate"), paint);
  add_line(out, "errors", percent(body, "error_rate"), paint);
  add_line(out, "task takes", seconds(body, "average_task_duration_seconds"), paint);
  add_line(out, "step takes", seconds(body, "average_step_duration_seconds"), paint);
  add_line(out, "tasks per hour", decimal(body, "tasks_per_hour"), paint);
  add_line(out, "steps per hour", decimal(body, "steps_per_hour"), paint);
  return out;
}

std::string render_bottlenecks(const nlohmann::json& body, const style& paint) {
  auto out =
    render_slow(member(body, "slow_steps"), true, paint) + render_slow(member(body, "slow_tasks"), false, paint);
  for (const auto& sentence : member(body, "recommendations"))
    if (sentence.is_string())
      out += "* " + one_line(sentence.get_ref<const std::string&>()) + "\n";
  return out.empty() ? "nothing has been executed often enough to be judged\n" : out;
}

} // namespace geartrain
