#include "actors/template_catalog.hpp"
#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"
#include "runtime/api/json_writer.hpp"

#include <algorithm>
#include <map>

// Registering and reading workflow templates.

namespace geartrain {

namespace {

// -- POST /v1/templates ------------------------------------------------------------

http_response registered_response(const template_registered& registered) {
  const auto& definition = *registered.definition;
  json_writer out;
  out.begin_object().field("namespace", definition.namespace_name).field("name", definition.name);
  out.field("version", definition.version).field("digest", definition.digest).end_object();
  return json_response(registered.new_version ? 201 : 200, out.take());
}

void register_one(const api_ptr& api, http_request request, const responder& reply) {
  if (api->refused_while_draining(reply))
    return;
  auto ticket = api->admit(admission_kind::creation, 1, reply);
  if (!ticket)
    return;
  register_template_request asked;
  asked.text = std::move(request.body);
  asked.is_json = request.content_type == "application/json";
  asked.done = completion<register_template_result>{[reply, ticket](expected<register_template_result> result) {
    if (!result)
      return reply(error_of(result.error()));
    if (auto* refused = std::get_if<template_refused>(&*result))
      return reply(problems_error(422, "INVALID_TEMPLATE", "the template is invalid", refused->found));
    reply(registered_response(std::get<template_registered>(*result)));
  }};
  api->calls.register_template(std::move(asked));
}

// -- GET /v1/templates ---------------------------------------------------------------

void write_summary(json_writer& out, const task_template& definition) {
  out.begin_object().field("name", definition.name).field("namespace", definition.namespace_name);
  out.field("version", definition.version).field("description", definition.description);
  out.field("step_count", definition.steps.size()).field("digest", definition.digest).end_object();
}

void list(const api_ptr& api, const http_request& request, const responder& reply) {
  auto wanted = request.query_value("namespace");
  auto all = api->context.catalog->list(std::nullopt);
  std::map<std::string, std::size_t> namespaces;
  json_writer templates;
  std::size_t count = 0;
  templates.begin_array();
  for (const auto& definition : all) {
    ++namespaces[definition->namespace_name];
    if (wanted && definition->namespace_name != *wanted)
      continue;
    write_summary(templates, *definition);
    ++count;
  }
  json_writer out;
  out.begin_object().key("namespaces").begin_array();
  for (const auto& [name, templates_in_it] : namespaces)
    out.begin_object()
      .field("name", name)
      .key("description")
      .null()
      .field("template_count", templates_in_it)
      .end_object();
  out.end_array().raw_field("templates", templates.end_array().take()).field("total_count", count).end_object();
  reply(json_response(200, out.take()));
}

// -- GET /v1/templates/{namespace}/{name}/{version} ------------------------------------

void write_steps(json_writer& out, const task_template& definition) {
  out.key("steps").begin_array();
  for (const auto& step : definition.steps) {
    out.begin_object().field("name", step.name).field("description", step.description);
    out.field("type", to_string(step.type)).field("handler", step.handler.callable).key("dependencies").begin_array();
    for (auto parent : step.dependencies)
      out.value(definition.steps[parent].name);
    out.end_array().field("default_retryable", step.retry.retryable);
    out.field("default_max_attempts", step.retry.max_attempts).field("result_schema", step.result_schema).end_object();
  }
  out.end_array();
}

void get(const api_ptr& api, const http_request& request, const responder& reply) {
  auto namespace_name = request.param("namespace");
  auto name = request.param("name");
  std::string version{request.param("version")};
  auto found = api->context.catalog->find(namespace_name, name, version);
  if (!found) {
    auto path = std::string{namespace_name} + "/" + std::string{name} + "/" + version;
    return reply(error_response(404, "NOT_FOUND", "Template not found: " + path));
  }
  const auto& definition = *found->definition;
  json_writer out;
  out.begin_object().field("name", definition.name).field("namespace", definition.namespace_name);
  out.field("version", definition.version).field("description", definition.description);
  out.field("digest", definition.digest).raw_field("configuration", definition.document);
  write_steps(out, definition);
  reply(json_response(200, out.end_object().take()));
}

} // namespace

void add_template_routes(router& routes, const api_ptr& api) {
  route_options body;
  body.max_body_bytes = api->context.max_body_bytes;
  body.content_types = {"application/yaml", "text/yaml", "application/x-yaml", "application/json"};
  routes.add(
    "POST", "/v1/templates", [api](http_request q, const responder& r) { register_one(api, std::move(q), r); }, body);
  routes.add("GET", "/v1/templates", [api](const http_request& q, const responder& r) { list(api, q, r); });
  routes.add("GET", "/v1/templates/{namespace}/{name}/{version}",
             [api](const http_request& q, const responder& r) { get(api, q, r); });
}

} // namespace geartrain
