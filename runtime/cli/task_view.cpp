#include "runtime/cli/task_view.hpp"

#include "runtime/cli/table.hpp"
#include "runtime/cli/time_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>

namespace geartrain {

namespace {

using json = nlohmann::json;

std::optional<timestamp> time_at(const json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_string() ? parse_utc(value.get_ref<const std::string&>()) : std::nullopt;
}

std::string spent(const std::optional<timestamp>& begin, const std::optional<timestamp>& end) {
  if (!begin || !end || *end < *begin)
    return {};
  return show_duration(std::chrono::duration_cast<milliseconds>(*end - *begin));
}

std::string task_progress(const json& task) {
  return fmt::format("{}/{}", number(task, "completed_steps"), number(task, "total_steps"));
}

/// How long the handler took, as the worker says, else as the node saw it.
std::string step_duration(const json& step) {
  const auto& measured = member(member(member(step, "results"), "metadata"), "execution_time_ms");
  if (measured.is_number_integer())
    return show_duration(milliseconds{measured.get<std::int64_t>()});
  return spent(time_at(step, "last_attempted_at"), time_at(step, "completed_at"));
}

std::string error_message(const json& step) {
  const auto& error = member(member(step, "results"), "error");
  return error.is_object() ? field(error, "message") : std::string{};
}

std::string state_of(const json& step) {
  return field(step, "current_state");
}

/// Workers of a batch have names of their own.
std::string template_name_of(const json& step) {
  auto name = field(step, "template_step_name");
  return name == "-" ? field(step, "name") : name;
}

std::string step_note(const json& step) {
  auto state = state_of(step);
  if (state == "complete")
    return step_duration(step);
  if (state == "waiting_for_retry")
    return fmt::format("until {}: {}", time_field(step, "next_retry_at"), error_message(step));
  return state == "error" ? error_message(step) : std::string{};
}

} // namespace

std::string render_task(const nlohmann::json& task, const style& paint) {
  std::string out;
  auto status = field(task, "status");
  add_line(out, "task", field(task, "task_uuid"), paint, colour::bold);
  add_line(out, "template",
           fmt::format("{}/{}/{}", field(task, "namespace"), field(task, "name"), field(task, "version")), paint);
  add_line(out, "status", status, paint, colour_of_state(status));
  add_line(out, "paused", member(task, "paused") == true ? "yes" : "", paint, colour::yellow);
  add_line(out, "starts at", time_field(task, "start_at"), paint);
  add_line(out, "steps", task_progress(task) + " complete", paint);
  add_line(out, "created", time_field(task, "created_at"), paint);
  add_line(out, "completed", time_field(task, "completed_at"), paint);
  add_line(out, "took", spent(time_at(task, "created_at"), time_at(task, "completed_at")), paint);
  add_line(out, "priority", field(task, "priority"), paint);
  add_line(out, "initiator", field(task, "initiator"), paint);
  add_line(out, "source system", field(task, "source_system"), paint);
  add_line(out, "reason", field(task, "reason"), paint);
  if (const auto& tags = member(task, "tags"); tags.is_array() && !tags.empty())
    add_line(out, "tags", field(task, "tags"), paint);
  add_line(out, "correlation id", field(task, "correlation_id"), paint);
  add_line(out, "context", field(task, "context"), paint);
  return out;
}

std::string render_task_list(const nlohmann::json& answer, const style& paint) {
  table rows{{"TASK", "NAMESPACE", "NAME", "VERSION", "STATUS", "STEPS", "CREATED", "TOOK"}};
  for (const auto& task : member(answer, "tasks")) {
    auto status = field(task, "status");
    rows.add({{field(task, "task_uuid")},
              {field(task, "namespace")},
              {field(task, "name")},
              {field(task, "version")},
              {status, colour_of_state(status)},
              {task_progress(task)},
              {time_field(task, "created_at")},
              {spent(time_at(task, "created_at"), time_at(task, "completed_at"))}});
  }
  const auto& page = member(answer, "pagination");
  auto foot = fmt::format("page {} of {}, {} tasks", number(page, "page"), number(page, "total_pages"),
                          number(page, "total_count"));
  return (rows.empty() ? std::string{} : rows.render(paint)) + paint.paint(colour::grey, foot) + "\n";
}

std::string render_step_list(const nlohmann::json& steps, const style& paint) {
  table rows{{"STEP", "NAME", "STATE", "ATTEMPTS", "PARENTS", "TOOK", "NOTE"}};
  for (const auto& step : steps) {
    auto state = state_of(step);
    rows.add({{field(step, "step_uuid")},
              {field(step, "name")},
              {state, colour_of_state(state)},
              {fmt::format("{}/{}", number(step, "attempts"), number(step, "max_attempts"))},
              {fmt::format("{}/{}", number(step, "completed_parents"), number(step, "total_parents"))},
              {state == "complete" ? step_duration(step) : std::string{}},
              {state == "complete" ? std::string{} : step_note(step)}});
  }
  return rows.render(paint);
}

std::string render_step(const nlohmann::json& step, const style& paint) {
  std::string out;
  auto state = state_of(step);
  add_line(out, "step", field(step, "step_uuid"), paint, colour::bold);
  add_line(out, "name", field(step, "name"), paint);
  add_line(out, "task", field(step, "task_uuid"), paint);
  add_line(out, "state", state, paint, colour_of_state(state));
  add_line(out, "attempts", fmt::format("{} of {}", number(step, "attempts"), number(step, "max_attempts")), paint);
  add_line(out, "parents",
           fmt::format("{} of {} complete", number(step, "completed_parents"), number(step, "total_parents")), paint);
  add_line(out, "last attempt", time_field(step, "last_attempted_at"), paint);
  add_line(out, "last failure", time_field(step, "last_failure_at"), paint);
  add_line(out, "next attempt", time_field(step, "next_retry_at"), paint);
  add_line(out, "completed", time_field(step, "completed_at"), paint);
  add_line(out, "took", step_duration(step), paint);
  const auto& results = member(step, "results");
  for (auto part : {"result", "error"})
    if (const auto& value = member(results, part); !value.is_null())
      out += fmt::format("{}:\n{}\n", part, dump_json(value, 2));
  return out;
}

std::vector<tree_step> tree_of(const nlohmann::json& steps, const nlohmann::json& template_details) {
  std::map<std::string, std::vector<std::string>> dependencies; // of steps of the template
  for (const auto& step : member(template_details, "steps"))
    for (const auto& name : member(step, "dependencies"))
      if (name.is_string())
        dependencies[field(step, "name")].push_back(one_line(name.get_ref<const std::string&>()));
  std::map<std::string, std::vector<std::string>> instances; // what a step of the template became; several for a batch
  for (const auto& step : steps)
    instances[template_name_of(step)].push_back(field(step, "name"));
  std::vector<tree_step> rows;
  for (const auto& step : steps) {
    tree_step row{field(step, "name"),
                  state_of(step),
                  {},
                  static_cast<int>(number(step, "attempts")),
                  static_cast<int>(number(step, "max_attempts")),
                  step_note(step)};
    for (const auto& parent : dependencies[template_name_of(step)])
      row.dependencies.insert(row.dependencies.end(), instances[parent].begin(), instances[parent].end());
    rows.push_back(std::move(row));
  }
  return rows;
}

bool is_over(std::string_view task_status) {
  return task_status == "complete" || task_status == "error" || task_status == "cancelled" ||
         task_status == "resolved_manually";
}

} // namespace geartrain
