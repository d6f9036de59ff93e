#include "workflow/templates/template_steps.hpp"

#include "messages/uuid.hpp"
#include "workflow/canonical_json.hpp"
#include "workflow/templates/template_batch.hpp"
#include "workflow/templates/template_events.hpp"
#include "workflow/templates/template_retry.hpp"
#include "workflow/templates/template_schema.hpp"
#include "workflow/templates/template_workers.hpp"

#include <array>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::size_t max_name = 255;
constexpr std::size_t max_callable = 500;
constexpr std::array<std::string_view, 5> type_names{"standard", "decision", "deferred_convergence", "batchable",
                                                     "batch_worker"};

void read_type(const template_fields& fields, parsed_step& step) {
  auto key = fields.pick("type", "step_type");
  if (auto type = fields.choice(key, type_names))
    step.definition.type = parse_step_type(type_names[*type]).value_or(step_type::standard);
  step.document["type"] = to_string(step.definition.type);
}

void read_handler(const template_fields& fields, parsed_step& step) {
  auto& handler = step.definition.handler;
  fields.require("handler", "a mapping with at least `callable`");
  auto inner = fields.mapping("handler");
  if (!inner)
    return;
  handler.callable = inner->required_text("callable", "the name that workers register the handler under", max_callable);
  handler.method = inner->text("method", max_name).value_or(handler.method);
  handler.resolver = inner->text("resolver", max_name).value_or("");
  json document{{"callable", handler.callable}, {"method", handler.method}};
  if (!handler.resolver.empty())
    document["resolver"] = handler.resolver;
  auto initialization = inner->mapping("initialization");
  if (auto value = initialization ? to_json(initialization->node()) : json::object(); !value.empty()) {
    handler.initialization = json_text(canonical_json(value));
    document["initialization"] = std::move(value);
  }
  step.document["handler"] = std::move(document);

  if (initialization && step.definition.type == step_type::batchable)
    step.planned_worker = read_planned_worker(*initialization);
}

/// Why a step of a type can't do without dependencies; empty if it can.
std::string_view why_dependencies(step_type type) {
  switch (type) {
    case step_type::decision:
      return "a decision needs at least one dependency; name the step that it decides after";
    case step_type::deferred_convergence:
      return "a deferred_convergence needs at least one dependency; name the steps that it joins";
    case step_type::batch_worker:
      return "a batch_worker needs a batchable step among its dependencies; name the step that cuts its batches";
    default:
      return "";
  }
}

void read_dependencies(const template_fields& fields, parsed_step& step) {
  auto key = fields.pick("dependencies", "depends_on");
  step.dependencies_path = fields.path_of(key);
  const auto* items = fields.list(key);
  for (std::size_t i = 0; items && i < items->size(); ++i) {
    const auto& item = (*items)[i];
    auto path = fields.path_of(key, i);
    if (const auto* name = item.as<std::string>())
      step.dependencies.push_back({*name, std::move(path), item.line});
    else
      fields.found().push_back({std::move(path), item.line, wrong_type("a string: the name of a step", item)});
  }
  const auto* given = fields.find(key);
  step.dependencies_line = given ? given->line : step.line;
  auto why = why_dependencies(step.definition.type);
  bool has_none = items ? items->empty() : !given;
  if (has_none && !why.empty())
    fields.found().push_back({step.dependencies_path, step.dependencies_line, std::string(why)});
}

void read_batch(const template_fields& fields, parsed_step& step) {
  if (step.definition.type == step_type::batch_worker)
    fields.require("batch_config", "a batch_worker step needs to know how it is cut into batches");
  auto config = read_batch_config(fields);
  if (!config)
    return;
  auto inner = fields.mapping("batch_config");
  if (!config->worker_template.empty())
    step.worker_template = {config->worker_template, inner->path_of("worker_template"),
                            inner->find("worker_template")->line};
  step.definition.batch = config->settings;
  step.document["batch_config"] = write_batch_config(*config);
}

void read_extras(const template_fields& fields, parsed_step& step) {
  auto& definition = step.definition;
  definition.description = fields.free_text("description");
  if (!definition.description.empty())
    step.document["description"] = definition.description;
  definition.system_dependency = fields.free_text("system_dependency");
  if (!definition.system_dependency.empty())
    step.document["system_dependency"] = definition.system_dependency;
  if (auto events = read_published_events(fields, definition.publishes_events); !events.empty())
    step.document["publishes_events"] = std::move(events);
  if (auto schema = read_schema(fields, "result_schema")) {
    definition.result_schema = json_text(canonical_json(*schema));
    step.document["result_schema"] = std::move(*schema);
  }
  if (const auto* composition = fields.find("composition"))
    step.document["composition"] = to_json(*composition);
}

parsed_step read_step(const template_fields& fields) {
  parsed_step step;
  step.path = fields.path();
  step.line = fields.node().line;
  step.definition.name = fields.required_text("name", "a name that no other step of the template has", max_name);
  if (const auto* name = fields.find("name"))
    step.name_line = name->line;
  step.document["name"] = step.definition.name;
  read_type(fields, step);
  read_handler(fields, step);
  read_dependencies(fields, step);
  step.definition.retry = read_retry(fields);
  step.document["retry"] = write_retry(step.definition.retry);
  step.definition.timeout_seconds = read_timeout(fields);
  if (step.definition.timeout_seconds)
    step.document["timeout_seconds"] = *step.definition.timeout_seconds;
  read_batch(fields, step);
  read_extras(fields, step);
  return step;
}

void check_names(const std::vector<parsed_step>& steps, problems& found) {
  auto first = index_steps(steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& name = steps[i].definition.name;
    auto known = first.find(name);
    if (name.empty() || known == first.end() || known->second == i)
      continue;
    const auto& other = steps[known->second];
    auto where = other.name_line ? " on line " + std::to_string(*other.name_line) : " in " + other.path;
    found.push_back({steps[i].path + ".name", steps[i].name_line,
                     "the name '" + name + "' is used already" + where + "; give this step another name"});
  }
}

} // namespace

std::vector<parsed_step> read_steps(const template_fields& root) {
  std::vector<parsed_step> steps;
  const auto* value = root.require("steps", "a list of at least one step");
  const auto* items = root.list("steps");
  if (!items)
    return steps;
  if (items->empty())
    root.report("steps", *value, "is empty; a template needs at least one step");
  if (items->size() > max_steps_per_task) {
    root.report("steps", *value,
                "has " + std::to_string(items->size()) + " steps; a template may have " +
                  std::to_string(max_steps_per_task) + ", split it");
    return steps;
  }
  steps.reserve(items->size());
  for (std::size_t i = 0; i < items->size(); ++i)
    if (auto fields = root.item("steps", i, (*items)[i]))
      steps.push_back(read_step(*fields));
  check_names(steps, root.found());
  return steps;
}

step_index index_steps(const std::vector<parsed_step>& steps) {
  step_index index;
  for (std::size_t i = 0; i < steps.size(); ++i)
    index.emplace(steps[i].definition.name, static_cast<std::uint16_t>(i));
  return index;
}

} // namespace geartrain
