#pragma once

#include "messages/json_text.hpp"
#include "messages/snapshot.hpp"
#include "messages/states.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

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

/// One step of a template. `dependencies` and `children` are indices into task_template::steps.
struct step_definition {
  std::string name;
  std::string description;
  step_type type = step_type::standard;
  handler_reference handler;
  std::string system_dependency;
  std::vector<std::uint16_t> dependencies;
  std::vector<std::uint16_t> children;
  std::vector<std::uint16_t> ancestors; ///< all of them, transitively, ascending
  retry_policy retry;
  std::optional<std::int64_t> timeout_seconds;
  json_text publishes_events; ///< JSON array as given; absent: none
  json_text batch_config;     ///< JSON object as given; absent: none
  json_text result_schema;    ///< JSON Schema as given; absent: none
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
  json_text input_schema;             ///< absent: any object
  json_text lifecycle;                ///< JSON object as given; absent: none
  std::vector<step_definition> steps; ///< in the order of the document; step number = index + 1
  std::string document;               ///< canonical JSON of the meaning; parsing it gives this template again
};

using template_snapshot = snapshot<task_template>;

} // namespace geartrain
