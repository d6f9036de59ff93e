#include "runtime/cli/dlq_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

namespace {

table_cell status_cell(const nlohmann::json& row) {
  auto status = field(row, "resolution_status");
  return {status, status == "pending" ? colour::yellow : colour::grey};
}

colour colour_of_health(std::string_view health) {
  if (health == "stale")
    return colour::red;
  return health == "warning" ? colour::yellow : colour::green;
}

} // namespace

std::string render_cases(const nlohmann::json& rows, const style& paint) {
  table lines{{"ENTRY", "TASK", "REASON", "STATUS", "SINCE", "NOTES"}};
  for (const auto& row : rows)
    lines.add({{field(row, "dlq_entry_uuid")},
               {field(row, "task_uuid")},
               {field(row, "dlq_reason")},
               status_cell(row),
               {time_field(row, "dlq_timestamp")},
               {field(row, "resolution_notes")}});
  return lines.empty() ? "no dead letters\n" : lines.render(paint);
}

std::string render_case(const nlohmann::json& row, const style& paint) {
  std::string out;
  add_line(out, "entry", field(row, "dlq_entry_uuid"), paint, colour::bold);
  add_line(out, "task", field(row, "task_uuid"), paint);
  add_line(out, "reason", field(row, "dlq_reason"), paint);
  add_line(out, "task was", field(row, "original_state"), paint);
  add_line(out, "since", time_field(row, "dlq_timestamp"), paint);
  add_line(out, "status", field(row, "resolution_status"), paint, status_cell(row).ink);
  add_line(out, "resolved", time_field(row, "resolution_timestamp"), paint);
  add_line(out, "resolved by", field(row, "resolved_by"), paint);
  add_line(out, "notes", field(row, "resolution_notes"), paint);
  for (auto part : {"metadata", "task_snapshot"})
    if (const auto& value = member(row, part); !value.is_null())
      out += fmt::format("{}:\n{}\n", part, dump_json(value, 2));
  return out;
}

std::string render_case_stats(const nlohmann::json& rows, const style& paint) {
  table lines{{"REASON", "TOTAL", "PENDING", "RESOLVED", "FAILED", "CANCELLED", "OLDEST", "NEWEST", "MINUTES"}};
  for (const auto& row : rows)
    lines.add({{field(row, "dlq_reason")},
               {field(row, "total_entries")},
               {field(row, "pending")},
               {field(row, "manually_resolved")},
               {field(row, "permanent_failures")},
               {field(row, "cancelled")},
               {time_field(row, "oldest_entry")},
               {time_field(row, "newest_entry")},
               {decimal(row, "avg_resolution_time_minutes")}});
  return lines.empty() ? "no dead letters\n" : lines.render(paint);
}

std::string render_investigation_queue(const nlohmann::json& rows, const style& paint) {
  table lines{{"ENTRY", "TASK", "TEMPLATE", "REASON", "STATE", "MINUTES", "SCORE"}};
  for (const auto& row : rows) {
    auto state = field(row, "current_state");
    lines.add({{field(row, "dlq_entry_uuid")},
               {field(row, "task_uuid")},
               {field(row, "namespace_name") + "/" + field(row, "task_name")},
               {field(row, "dlq_reason")},
               {state, colour_of_state(state)},
               {decimal(row, "minutes_in_dlq")},
               {decimal(row, "priority_score")}});
  }
  return lines.empty() ? "nothing waits for an investigation\n" : lines.render(paint);
}

std::string render_staleness(const nlohmann::json& rows, const style& paint) {
  table lines{{"TASK", "TEMPLATE", "STATE", "HEALTH", "MINUTES", "THRESHOLD", "AGE", "PRIORITY"}};
  for (const auto& row : rows) {
    auto state = field(row, "current_state");
    auto health = field(row, "health_status");
    lines.add({{field(row, "task_uuid")},
               {field(row, "namespace_name") + "/" + field(row, "task_name")},
               {state, colour_of_state(state)},
               {health, colour_of_health(health)},
               {decimal(row, "time_in_state_minutes")},
               {decimal(row, "staleness_threshold_minutes")},
               {decimal(row, "task_age_minutes")},
               {field(row, "priority")}});
  }
  return lines.empty() ? "no open tasks\n" : lines.render(paint);
}

} // namespace geartrain
