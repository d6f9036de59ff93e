#include "workflow/template_environments.hpp"

#include "workflow/template_retry.hpp"

namespace geartrain {

namespace {

using nlohmann::json;

json read_override(const template_fields& fields, const step_index& steps) {
  json out{{"name", fields.required_text("name", "the step to override, or ALL", 255)}};
  const auto& name = out["name"].get_ref<const std::string&>();
  if (!name.empty() && name != "ALL" && !steps.contains(name))
    fields.report("name", *fields.find("name"),
                  "there is no step '" + name + "'; name a step of this template, or ALL");
  if (auto handler = fields.mapping("handler"))
    if (auto initialization = handler->mapping("initialization"))
      out["handler"]["initialization"] = to_json(initialization->node());
  if (auto timeout = read_timeout(fields))
    out["timeout_seconds"] = *timeout;
  if (fields.find("retry"))
    out["retry"] = write_retry(read_retry(fields));
  return out;
}

json read_environment(const template_fields& fields, const step_index& steps) {
  auto overrides = json::array();
  const auto* items = fields.list("steps");
  for (std::size_t i = 0; items && i < items->size(); ++i)
    if (auto item = fields.item("steps", i, (*items)[i]))
      overrides.push_back(read_override(*item, steps));
  return {{"steps", std::move(overrides)}};
}

} // namespace

json read_environments(const template_fields& root, const step_index& steps) {
  auto out = json::object();
  auto fields = root.mapping("environments");
  if (!fields)
    return out;
  for (const auto& [name, value] : *fields->node().as<document_node::mapping>()) {
    if (value.as<document_node::mapping>())
      out[name] = read_environment(template_fields(value, fields->path_of(name), fields->found()), steps);
    else if (!value.is_null())
      fields->report(name, value, wrong_type("a mapping", value));
  }
  return out;
}

} // namespace geartrain
