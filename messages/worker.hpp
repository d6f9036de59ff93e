#pragma once

#include "messages/completion.hpp"
#include "messages/task.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace geartrain {

/// Fences one dispatch of one step: a result without the current token is refused.
struct lease_token {
  step_id step;
  std::uint16_t attempt = 0; ///< 1-based
  std::uint16_t yields = 0;  ///< how often the attempt had been given back when the token was issued
  std::uint32_t epoch = 0;   ///< the dispatcher incarnation that issued it
  std::uint64_t nonce = 0;   ///< random
  timestamp expires_at;      ///< of the lease as issued; heartbeats extend the lease, not the token

  friend bool operator==(const lease_token&, const lease_token&) = default;
};

/// What a handler is told of a step above its own.
struct dependency_result {
  enum class kind : std::uint8_t {
    completed,
    resolved_manually,
    failed, ///< a batch worker whose failure does not stop the task; `value` is its error
  };

  std::uint16_t definition = 0; ///< index in task_template::steps
  kind is = kind::completed;
  json_text value;
  std::string instance; ///< name of a batch worker; empty: the name in the template
};

/// A step that may run now, with all that its handler needs.
struct ready_step {
  step_id id;
  std::uint16_t definition_index = 0; ///< in task_template::steps
  std::string instance;               ///< name of a batch worker; empty: the name in the template
  std::uint16_t attempt = 1;          ///< the attempt that the next dispatch will be
  std::uint16_t yields = 0;           ///< lease_token::yields of that dispatch
  template_snapshot definition;
  input_snapshot input;
  std::vector<dependency_result> dependency_results; ///< of the finished ancestors
  json_text inputs;                                  ///< absent: the handler's initialization
  json_text checkpoint;                              ///< absent: none
  json_text previous_error;
  timestamp ready_at;

  const step_definition& step() const { return definition->steps[definition_index]; }
  const std::string& name() const { return instance.empty() ? step().name : instance; }
};

using ready_step_ptr = std::shared_ptr<const ready_step>;

/// Who holds a step until when.
struct lease {
  lease_token token;
  std::string worker;
  timestamp claimed_at;
  timestamp expires_at;
};

/// A step handed to a worker.
struct leased_step {
  ready_step_ptr step;
  lease held;
};

enum class report_kind : std::uint8_t {
  result,     ///< the attempt is over
  yield,      ///< the handler gives the step back with a checkpoint; the attempt goes on elsewhere or later
  checkpoint, ///< the handler goes on and wants this remembered
};

/// What a worker says about an attempt. Times asked for by a server are computed where the report enters.
struct step_report {
  report_kind kind = report_kind::result;
  lease_token token;
  std::string worker;
  bool success = false;
  json_text result;     ///< payload; any JSON
  json_text error;      ///< error object of a failure
  json_text metadata;   ///< metadata object as given
  json_text checkpoint; ///< for yield and checkpoint
  bool retryable = true;
  std::optional<milliseconds> requested_delay; ///< Retry-After or backoff_hint
  std::optional<std::int64_t> execution_time_ms;
};

enum class report_status : std::uint8_t { accepted, duplicate, stale, invalid };

struct report_answer {
  report_status status = report_status::invalid;
  std::string message; ///< empty unless there is something to explain
};

enum class heartbeat_status : std::uint8_t { extended, lost, cancelled };

struct heartbeat_answer {
  heartbeat_status status = heartbeat_status::lost;
  timestamp expires_at; ///< meaningful when extended
};

std::string_view to_string(report_status status);
std::string_view to_string(heartbeat_status status);

} // namespace geartrain
