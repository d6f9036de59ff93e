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
  std::uint32_t epoch = 0;   ///< the dispatcher incarnation that issued it
  std::uint64_t nonce = 0;   ///< random
  timestamp expires_at;      ///< of the lease as issued; heartbeats extend the lease, not the token

  friend bool operator==(const lease_token&, const lease_token&) = default;
};

/// A step that may run now, with all that its handler needs.
struct ready_step {
  step_id id;
  std::uint16_t attempt = 1; ///< the attempt that the next dispatch will be
  template_snapshot definition;
  input_snapshot input;
  std::vector<std::pair<std::uint16_t, json_text>> dependency_results; ///< (step index, payload) of all ancestors
  json_text previous_error;
  timestamp ready_at;

  const step_definition& step() const { return definition->steps[static_cast<std::size_t>(number_of(id) - 1)]; }
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

/// What a worker says about an attempt. Times asked for by a server are computed where the report enters.
struct step_report {
  lease_token token;
  std::string worker;
  bool success = false;
  json_text result;   ///< payload; any JSON
  json_text error;    ///< error object of a failure
  json_text metadata; ///< metadata object as given
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
