#include "runtime/api/dlq_json.hpp"

#include <chrono>
#include <cmath>

namespace geartrain {

namespace {

/// Two decimals are enough for people.
double rounded(double number) {
  return std::round(number * 100) / 100;
}

double minutes_between(timestamp from, timestamp to) {
  return std::chrono::duration<double, std::ratio<60>>(to - from).count();
}

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

/// How near a task is to its deadline; healthy for ever if it has none.
std::string_view health_of(double minutes, std::optional<double> threshold) {
  if (!threshold || minutes < 0.8 * *threshold)
    return "healthy";
  return minutes < *threshold ? "warning" : "stale";
}

} // namespace

void write_case(json_writer& out, const dead_letter_row& row) {
  out.begin_object().field("dlq_entry_uuid", row.letter.id).field("task_uuid", row.task);
  out.field("original_state", to_string(row.letter.original_state)).field("dlq_reason", to_string(row.letter.reason));
  out.field("dlq_timestamp", row.letter.at).field("resolution_status", to_string(row.status));
  out.field("resolution_timestamp", row.resolved_at).field("resolution_notes", unless_empty(row.notes));
  out.field("resolved_by", unless_empty(row.resolved_by)).field("task_snapshot", row.letter.task_snapshot);
  out.field("metadata", row.letter.metadata).field("created_at", row.letter.at).field("updated_at", row.updated_at);
  out.end_object();
}

std::string cases_json(const list_dead_letters_reply& found) {
  json_writer out;
  out.begin_array();
  for (const auto& row : found.rows)
    write_case(out, row);
  return out.end_array().take();
}

std::string case_stats_json(const dead_letter_stats_reply& found) {
  json_writer out;
  out.begin_array();
  for (const auto& row : found.rows) {
    out.begin_object().field("dlq_reason", to_string(row.reason)).field("total_entries", row.total);
    out.field("pending", row.pending).field("manually_resolved", row.manually_resolved);
    out.field("permanent_failures", row.permanently_failed).field("cancelled", row.cancelled);
    out.field("oldest_entry", row.oldest).field("newest_entry", row.newest).key("avg_resolution_time_minutes");
    if (row.average_resolution_minutes)
      out.value(rounded(*row.average_resolution_minutes));
    else
      out.null();
    out.end_object();
  }
  return out.end_array().take();
}

std::string investigation_queue_json(const investigation_queue_reply& found) {
  json_writer out;
  out.begin_array();
  for (const auto& one : found.rows) {
    const auto& letter = one.row.letter;
    out.begin_object().field("dlq_entry_uuid", letter.id).field("task_uuid", one.row.task);
    out.field("original_state", to_string(letter.original_state)).field("dlq_reason", to_string(letter.reason));
    out.field("dlq_timestamp", letter.at).field("minutes_in_dlq", rounded(one.minutes_in_dlq));
    out.field("namespace_name", one.namespace_name).field("task_name", one.task_name).key("current_state");
    if (one.row.task)
      out.value(to_string(one.current_state));
    else
      out.null(); // a request that never became a task
    out.field("time_in_state_minutes", rounded(one.minutes_in_state));
    out.field("priority_score", rounded(one.priority_score)).end_object();
  }
  return out.end_array().take();
}

std::string staleness_json(const staleness_reply& found, timestamp now) {
  json_writer out;
  out.begin_array();
  for (const auto& row : found.rows) {
    auto minutes = minutes_between(row.state_since, now);
    std::optional<double> threshold;
    if (row.deadline_at)
      threshold = minutes_between(row.state_since, *row.deadline_at);
    out.begin_object().field("task_uuid", row.task).field("namespace_name", row.namespace_name);
    out.field("task_name", row.task_name).field("current_state", to_string(row.state));
    out.field("time_in_state_minutes", rounded(minutes));
    out.field("task_age_minutes", rounded(minutes_between(row.created_at, now))).key("staleness_threshold_minutes");
    if (threshold)
      out.value(rounded(*threshold));
    else
      out.null();
    out.field("health_status", health_of(minutes, threshold)).field("priority", row.priority).end_object();
  }
  return out.end_array().take();
}

} // namespace geartrain
