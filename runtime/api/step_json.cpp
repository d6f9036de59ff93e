#include "runtime/api/step_json.hpp"

#include "workflow/lease_token.hpp"

#include <algorithm>

namespace geartrain {

namespace {

/// The hexadecimal digits of a UUID.
std::string digits_of(const uuid& id) {
  auto text = to_string(id);
  std::erase(text, '-');
  return text;
}

void write_handler(json_writer& out, const handler_reference& handler) {
  out.key("handler").begin_object().field("callable", handler.callable).field("method", handler.method);
  if (!handler.resolver.empty())
    out.field("resolver", handler.resolver);
  out.raw_field("initialization", handler.initialization.view_or("{}")).end_object();
}

void write_task_part(json_writer& out, const task_input& input) {
  out.key("task").begin_object().raw_field("context", input.context.view_or("{}"));
  out.field("priority", input.priority).key("tags").begin_array();
  for (const auto& tag : input.tags)
    out.value(tag);
  out.end_array().field("initiator", input.initiator).field("source_system", input.source_system);
  out.field("reason", input.reason).field("requested_at", input.requested_at).end_object();
}

void write_dependency_results(json_writer& out, const ready_step& step) {
  out.key("dependency_results").begin_object();
  for (const auto& one : step.dependency_results) {
    out.key(one.instance.empty() ? step.definition->steps[one.definition].name : one.instance).begin_object();
    if (one.is == dependency_result::kind::failed)
      out.field("success", false).field("error", one.value);
    else
      out.field("result", one.value);
    if (one.is == dependency_result::kind::resolved_manually)
      out.field("resolved_manually", true);
    out.end_object();
  }
  out.end_object();
}

} // namespace

std::string traceparent_of(const uuid& correlation_id, const step_id& step) {
  return "00-" + digits_of(correlation_id) + "-" + digits_of(step).substr(16) + "-01";
}

void write_leased_step(json_writer& out, const leased_step& leased, const token_mint& mint) {
  const auto& step = *leased.step;
  const auto& definition = step.step();
  const auto& input = *step.input;
  out.begin_object().field("step_uuid", step.id).field("task_uuid", task_of(step.id));
  out.field("name", step.name()).field("template_step_name", definition.name);
  out.field("namespace", step.definition->namespace_name).field("template_name", step.definition->name);
  out.field("template_version", step.definition->version);
  write_handler(out, definition.handler);
  out.field("attempt", leased.held.token.attempt);
  out.field("max_attempts", std::max<std::uint16_t>(1, definition.retry.max_attempts));
  out.field("lease_token", mint.encode(leased.held.token)).field("lease_expires_at", leased.held.expires_at);
  out.field("timeout_seconds", definition.timeout_seconds).field("correlation_id", input.correlation_id);
  out.field("parent_correlation_id", input.parent_correlation_id);
  out.field("traceparent", traceparent_of(input.correlation_id, step.id));
  write_task_part(out, input);
  const auto& inputs = step.inputs ? step.inputs : definition.handler.initialization;
  out.raw_field("inputs", inputs.view_or("{}")).field("checkpoint", step.checkpoint);
  write_dependency_results(out, step);
  out.field("previous_error", step.previous_error).end_object();
}

} // namespace geartrain
