#include "runtime/api/analytics_json.hpp"

#include "runtime/api/json_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <numeric>

namespace geartrain {

namespace {

constexpr double many_errors = 0.2;
constexpr double busy_database = 0.8;
constexpr double slow_seconds = 30;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

/// Of what ended in the last hour, how much ended well; all is well if nothing did.
double health_score(const performance_reply& figures) {
  auto ended = figures.recent_completed + figures.recent_failed;
  return ended == 0 ? 1 : share(figures.recent_completed, ended);
}

double error_rate(const slow_item& item) {
  return share(item.errors, item.executions);
}

/// "namespace/task/version", and the step behind it.
std::string name_of(const slow_item& item) {
  auto name = item.namespace_name + "/" + item.task_name + "/" + item.version;
  return item.step_name.empty() ? "task " + name : "step " + name + "/" + item.step_name;
}

void write_items(json_writer& out, std::string_view name, const std::vector<slow_item>& items, bool steps) {
  out.key(name).begin_array();
  for (const auto& item : items) {
    out.begin_object().field("namespace_name", item.namespace_name).field("task_name", item.task_name);
    out.field("version", item.version);
    if (steps)
      out.field("step_name", item.step_name);
    out.field("average_duration_seconds", item.average_seconds).field("max_duration_seconds", item.max_seconds);
    out.field("execution_count", item.executions).field("error_count", item.errors);
    out.field("error_rate", error_rate(item)).field("last_executed_at", item.last_executed_at);
    if (!steps)
      out.field("average_step_count", item.average_steps);
    out.end_object();
  }
  out.end_array();
}

std::string rounded(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::vector<std::string> advice(const bottlenecks_reply& items, double database_use) {
  std::vector<std::string> all;
  for (const auto* list : {&items.steps, &items.tasks})
    for (const auto& item : *list) {
      if (error_rate(item) > many_errors)
        all.push_back(name_of(item) + " fails in " + rounded(100 * error_rate(item)) +
                      " % of its executions: look at its errors");
      if (item.average_seconds > slow_seconds)
        all.push_back(name_of(item) + " takes " + rounded(item.average_seconds) +
                      " s on average: consider splitting it");
    }
  if (database_use > busy_database)
    all.push_back("the database's queue is nearly full: consider more connections or a faster database");
  return all;
}

} // namespace

std::string performance_json(const performance_reply& figures, const performance_unit& window) {
  auto hours = std::chrono::duration<double, std::ratio<3600>>(window.now - window.since).count();
  auto per_hour = [&](std::uint64_t count) { return hours > 0 ? static_cast<double>(count) / hours : 0.0; };
  json_writer out;
  out.begin_object().field("total_tasks", figures.total_tasks).field("active_tasks", figures.active_tasks);
  out.field("completed_tasks", figures.completed_tasks).field("failed_tasks", figures.failed_tasks);
  out.field("completion_rate", 100 * share(figures.completed_tasks, figures.total_tasks));
  out.field("error_rate", 100 * share(figures.failed_tasks, figures.total_tasks));
  out.field("average_task_duration_seconds", figures.average_task_seconds);
  out.field("average_step_duration_seconds", figures.average_step_seconds);
  out.field("tasks_per_hour", per_hour(figures.total_tasks)).field("steps_per_hour", per_hour(figures.steps));
  out.field("total_step_attempts", figures.steps).field("failed_step_attempts", figures.failed_attempts);
  out.field("system_health_score", health_score(figures)).field("analysis_period_start", window.since);
  return out.field("calculated_at", window.now).end_object().take();
}

std::string bottlenecks_json(const bottlenecks_reply& items, double database_use) {
  json_writer out;
  out.begin_object();
  write_items(out, "slow_steps", items.steps, true);
  write_items(out, "slow_tasks", items.tasks, false);
  out.key("resource_utilization").begin_object().field("database_pool_utilization", database_use);
  out.key("system_health").begin_object();
  for (std::size_t i = 0; i < task_state_count; ++i)
    out.field(std::string{to_string(static_cast<task_state>(i))} + "_tasks", items.tasks_by_state[i]);
  auto total = std::accumulate(items.tasks_by_state.begin(), items.tasks_by_state.end(), std::uint64_t{0});
  out.field("total_tasks", total)
    .field("total_steps", items.total_steps)
    .end_object()
    .end_object()
    .key("recommendations")
    .begin_array();
  for (const auto& sentence : advice(items, database_use))
    out.value(sentence);
  return out.end_array().end_object().take();
}

} // namespace geartrain
