#include "runtime/api/step_results.hpp"

#include "runtime/api/json_view.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace geartrain {

namespace {

using members = std::vector<std::pair<std::string, json_view>>;

/// Of duplicates the last; null if there is none.
const json_view* last_of(const members& all, std::string_view name) {
  auto found = std::find_if(all.rbegin(), all.rend(), [&](const auto& entry) { return entry.first == name; });
  return found == all.rend() ? nullptr : &found->second;
}

/// Members of the stored metadata that only the worker knows, and what stands there if it is silent.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> of_worker{{{"handler_version", "null"},
                                                                                  {"worker_hostname", "null"},
                                                                                  {"started_at", "null"},
                                                                                  {"custom", "{}"},
                                                                                  {"error_code", "null"},
                                                                                  {"error_type", "null"},
                                                                                  {"context", "{}"}}};
constexpr std::array<std::string_view, 4> of_engine{"execution_time_ms", "retryable", "completed_at", "worker_id"};

bool is_known(std::string_view name) {
  return std::find(of_engine.begin(), of_engine.end(), name) != of_engine.end() ||
         std::any_of(of_worker.begin(), of_worker.end(), [&](const auto& entry) { return entry.first == name; });
}

/// Completed, but not by the attempt that ended last.
bool is_completed_by_hand(const step_record& step) {
  return step.state == step_state::complete &&
         (step.attempts.empty() || step.attempts.back().outcome != attempt_outcome::success);
}

/// The result's metadata: what the engine knows wins, the rest is spliced in as the worker, or the operator, gave it.
void write_metadata(json_writer& out, const step_record& step, bool success) {
  bool by_hand = is_completed_by_hand(step);
  auto given = json_view{step.metadata.view_or("{}")}.members();
  auto retryable = success ? std::nullopt : json_view{step.error.view_or("null")}.member("retryable");
  if (const auto* stated = last_of(given, "retryable"); !retryable && stated)
    retryable = *stated;
  out.begin_object().field("execution_time_ms", by_hand ? std::int64_t{0} : step.execution_time_ms);
  out.field("retryable", retryable ? retryable->as_bool().value_or(true) : true);
  out.field("completed_at", step.completed_at ? step.completed_at : step.last_failure_at);
  out.field("worker_id", by_hand || step.worker.empty() ? std::nullopt : std::optional{step.worker});
  for (const auto& [name, fallback] : of_worker) {
    const auto* value = last_of(given, name);
    out.raw_field(name, value ? value->text() : fallback);
  }
  for (const auto& [name, value] : given)
    if (!is_known(name))
      out.raw_field(name, value.text());
  out.end_object();
}

} // namespace

bool has_succeeded(const step_record& step) {
  if (step.state == step_state::complete)
    return true;
  return step.state != step_state::error && !step.attempts.empty() &&
         step.attempts.back().outcome == attempt_outcome::success;
}

void write_results(json_writer& out, const step_record& step, const step_id& id) {
  bool success = has_succeeded(step);
  if (!success && step.attempts.empty()) {
    out.null();
    return;
  }
  out.begin_object().field("step_uuid", id).field("success", success);
  out.field("result", success ? step.result : json_text{});
  out.field("status", success ? "completed" : "failed").key("metadata");
  write_metadata(out, step, success);
  out.field("error", success ? json_text{} : step.error);
  out.key("orchestration_metadata").null().end_object();
}

} // namespace geartrain
