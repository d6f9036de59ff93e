#include "workflow/templates/template_parser.hpp"

#include "workflow/canonical_json.hpp"
#include "workflow/templates/semver.hpp"
#include "workflow/templates/template_environments.hpp"
#include "workflow/templates/template_events.hpp"
#include "workflow/templates/template_graph.hpp"
#include "workflow/templates/template_lifecycle.hpp"
#include "workflow/templates/template_schema.hpp"
#include "workflow/templates/template_steps.hpp"

#include <algorithm>
#include <array>

namespace geartrain {

namespace {

using nlohmann::json;

constexpr std::size_t max_name = 255;
constexpr std::size_t max_namespace_name = 63;
constexpr std::size_t max_version = 50;
constexpr std::size_t max_problems = 1000;
constexpr std::array<std::string_view, 3> identity_names{"strict", "caller_provided", "always_unique"};

bool is_namespace_name(std::string_view text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  auto is_word = [&](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && !is_digit(text.front()) && std::all_of(text.begin(), text.end(), is_word);
}

void read_name(const template_fields& root, task_template& out, json& document) {
  out.name = root.required_text("name", "what this kind of task is called", max_name);
  document["name"] = out.name;

  out.namespace_name = root.required_text("namespace_name", "the group of templates and workers", max_namespace_name);
  if (!out.namespace_name.empty() && !is_namespace_name(out.namespace_name))
    root.report("namespace_name", *root.find("namespace_name"),
                "must be made of letters, digits and _, and not begin with a digit; rename it");
  document["namespace_name"] = out.namespace_name;

  out.version = root.required_text("version", "a semantic version in quotes, such as \"1.0.0\"", max_version);
  if (!out.version.empty() && !is_semver(out.version))
    root.report("version", *root.find("version"),
                "'" + out.version + "' is no semantic version; write three numbers such as \"1.0.0\"");
  document["version"] = out.version;

  out.description = root.free_text("description");
  if (!out.description.empty())
    document["description"] = out.description;
}

void read_system_dependencies(const template_fields& root, json& document) {
  auto fields = root.mapping("system_dependencies");
  if (!fields)
    return;
  auto secondary = json::array();
  const auto* items = fields->list("secondary");
  for (std::size_t i = 0; items && i < items->size(); ++i) {
    if (const auto* name = (*items)[i].as<std::string>())
      secondary.push_back(*name);
    else
      root.found().push_back({fields->path_of("secondary", i), (*items)[i].line, wrong_type("a string", (*items)[i])});
  }
  document["system_dependencies"] = {{"primary", fields->text("primary", max_name).value_or("default")},
                                     {"secondary", std::move(secondary)}};
}

/// What belongs to the whole template besides its names and steps.
void read_settings(const template_fields& root, task_template& out, json& document) {
  if (auto strategy = root.choice("identity_strategy", identity_names))
    out.identity = parse_identity_strategy(identity_names[*strategy]).value_or(out.identity);
  document["identity_strategy"] = to_string(out.identity);
  if (auto schema = read_schema(root, "input_schema")) {
    out.input_schema = json_text(canonical_json(*schema));
    document["input_schema"] = std::move(*schema);
  }
  if (auto lifecycle = read_lifecycle(root, out.lifecycle))
    document["lifecycle"] = std::move(*lifecycle);
  if (auto metadata = root.mapping("metadata"))
    document["metadata"] = to_json(metadata->node());
  read_system_dependencies(root, document);
  if (auto events = read_domain_events(root); !events.empty())
    document["domain_events"] = std::move(events);
}

void take_steps(std::vector<parsed_step>& steps, task_template& out, json& document) {
  auto list = json::array();
  for (auto& step : steps) {
    auto names = json::array();
    for (auto parent : step.definition.dependencies)
      names.push_back(steps[parent].definition.name);
    step.document["dependencies"] = std::move(names);
    list.push_back(std::move(step.document));
  }
  document["steps"] = std::move(list);
  out.steps.reserve(steps.size());
  for (auto& step : steps)
    out.steps.push_back(std::move(step.definition));
}

problems in_order(problems found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const problem& a, const problem& b) { return a.line.value_or(0) < b.line.value_or(0); });
  if (found.size() > max_problems) {
    auto left_out = found.size() - max_problems;
    found.resize(max_problems);
    found.push_back(
      {"", std::nullopt, "there are " + std::to_string(left_out) + " more problems; correct these first"});
  }
  return found;
}

} // namespace

std::variant<task_template, problems> parse_template(std::string_view text, template_format format,
                                                     std::string_view environment) {
  auto read = read_document(text, format);
  if (auto* unreadable = std::get_if<problems>(&read))
    return in_order(std::move(*unreadable));
  const auto& document = std::get<document_node>(read);
  if (!document.as<document_node::mapping>())
    return problems{
      {"", document.line, wrong_type("a mapping with name, namespace_name, version and steps", document)}};

  problems found;
  template_fields root(document, "", found);
  task_template out;
  json canonical = json::object();
  read_name(root, out, canonical);
  read_settings(root, out, canonical);
  auto steps = read_steps(root);
  {
    auto index = index_steps(steps);
    out.order = link_steps(steps, index, found);
    auto environments = read_environments(root, steps, index);
    if (!found.empty())
      return in_order(std::move(found));
    if (!environments.empty())
      canonical["environments"] = write_environments(environments);
    if (!apply_environment(steps, index, environments, environment))
      return problems{{"environments", std::nullopt,
                       "the initializations of all steps together would have more than " +
                         std::to_string(max_initialization_bytes) + " bytes in the environment '" +
                         std::string(environment) + "'; shorten its override for ALL"}};
  }
  take_steps(steps, out, canonical);
  out.document = canonical_json(canonical);
  out.digest = to_hex(sha256(out.document));
  return out;
}

} // namespace geartrain
