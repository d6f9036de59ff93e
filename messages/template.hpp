#pragma once

#include "messages/json_text.hpp"
#include "messages/snapshot.hpp"
#include "messages/states.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// A handler sees the results of the steps that stand at most this many levels above its own.
inline constexpr std::size_t max_ancestor_depth = 50;

/// How failed attempts of a step are repeated. Absent times fall back to the node's configuration.
struct retry_policy {
  bool retryable = true;
  std::uint16_t max_attempts = 3; ///< total executions; 0 means one
  backoff_kind backoff = backoff_kind::exponential;
  std::optional<std::int64_t> backoff_base_ms;
  std::optional<std::int64_t> max_backoff_ms;
};

/// Which code runs a step.
struct handler_reference {
  std::string callable;
  std::string method = "call";
  std::string resolver;     ///< empty: none
  json_text initialization; ///< a JSON object; absent: {}
};

/// How a batch is run; stands on the batch_worker step.
struct batch_settings {
  std::uint32_t batch_size = 1000;
  std::uint32_t parallelism = 10; ///< most workers of one batch that are enqueued or running at a time
  std::string cursor_field = "id";
  batch_failure_strategy failure_strategy = batch_failure_strategy::continue_on_failure;
};

/// An event that a step publishes when one of its attempts ends for good.
struct published_event {
  std::string name;
  event_condition condition = event_condition::success;
  delivery_mode delivery = delivery_mode::durable;
};

/// When a task counts as stuck. Absent times fall back to the node's configuration.
struct lifecycle_policy {
  std::optional<std::chrono::minutes> max_duration;
  std::optional<std::chrono::minutes> max_waiting_for_dependencies;
  std::optional<std::chrono::minutes> max_waiting_for_retry;
  std::optional<std::chrono::minutes> max_steps_in_process;
  staleness_action action = staleness_action::dlq;
};

/// One step of a template. `dependencies` and `children` are indices into task_template::steps.
struct step_definition {
  std::string name;
  std::string description;
  step_type type = step_type::standard;
  handler_reference handler;
  std::string system_dependency;
  std::vector<std::uint16_t> dependencies;
  std::vector<std::uint16_t> children;
  std::vector<std::uint16_t> ancestors; ///< up to max_ancestor_depth levels above, ascending
  std::vector<std::uint16_t> deciders;  ///< decisions that may ask for this step: above it, no other decision between
  std::vector<std::uint16_t> segment;   ///< of a decision: the steps that it is a decider of, ascending
  std::uint16_t decision_depth = 0;     ///< most decisions on a way from a root to here, itself included
  retry_policy retry;
  std::optional<std::int64_t> timeout_seconds;
  std::vector<published_event> publishes_events;
  std::optional<batch_settings> batch;
  json_text result_schema; ///< JSON Schema as given; absent: none
};

/// A validated workflow definition, immutable and shared by all tasks that started with this revision.
struct task_template {
  std::int64_t id = 0; ///< storage key of this revision; 0 until it is stored
  std::string namespace_name;
  std::string name;
  std::string version;
  std::string digest; ///< lower-case hex SHA-256 of `document`
  std::string description;
  identity_strategy identity = identity_strategy::strict;
  json_text input_schema; ///< absent: any object
  lifecycle_policy lifecycle;
  std::vector<step_definition> steps; ///< in the order of the document; step number = index + 1
  std::vector<std::uint16_t> order;   ///< indices of the steps, parents before children
  std::string document;               ///< canonical JSON of the meaning; parsing it gives this template again
};

using template_snapshot = snapshot<task_template>;

} // namespace geartrain
