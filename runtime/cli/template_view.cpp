#include "runtime/cli/template_view.hpp"

#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

namespace {

const nlohmann::json& elements(const nlohmann::json& object, const char* key) {
  static const nlohmann::json none = nlohmann::json::array();
  auto at = object.is_object() ? object.find(key) : object.end();
  return at == object.end() || !at->is_array() ? none : *at;
}

std::string join_names(const nlohmann::json& names) {
  std::string out;
  for (const auto& name : names)
    if (name.is_string())
      out += (out.empty() ? "" : ", ") + one_line(name.get_ref<const std::string&>());
  return out;
}

std::string description_of(const nlohmann::json& object) {
  auto text = field(object, "description");
  return text == "-" ? std::string{} : text;
}

} // namespace

std::string render_template_list(const nlohmann::json& answer, const style& paint) {
  table rows{{"NAMESPACE", "NAME", "VERSION", "STEPS", "DESCRIPTION"}};
  for (const auto& entry : elements(answer, "templates"))
    rows.add({{field(entry, "namespace")},
              {field(entry, "name")},
              {field(entry, "version")},
              {field(entry, "step_count")},
              {description_of(entry), colour::grey}});
  return rows.render(paint);
}

std::string render_template(const nlohmann::json& details, const style& paint) {
  auto out =
    fmt::format("{}\n", paint.paint(colour::bold, fmt::format("{}/{}/{}", field(details, "namespace"),
                                                              field(details, "name"), field(details, "version"))));
  if (auto description = description_of(details); !description.empty())
    out += description + "\n";
  table rows{{"STEP", "AFTER", "RETRYABLE", "MAX ATTEMPTS", "DESCRIPTION"}};
  for (const auto& step : elements(details, "steps"))
    rows.add({{field(step, "name")},
              {join_names(elements(step, "dependencies"))},
              {field(step, "default_retryable")},
              {field(step, "default_max_attempts")},
              {description_of(step), colour::grey}});
  return out + "\n" + rows.render(paint);
}

} // namespace geartrain
