#pragma once

#include "messages/json_text.hpp"
#include "messages/snapshot.hpp"
#include "messages/states.hpp"
#include "messages/template.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace geartrain {

/// What the caller gave at creation; written once, never changed.
struct task_input {
  json_text context; ///< a JSON object, exactly as given
  std::string initiator;
  std::string source_system;
  std::string reason;
  std::vector<std::string> tags;
  uuid correlation_id;
  std::optional<uuid> parent_correlation_id;
  std::int16_t priority = 0; ///< -100 to 100, larger is more urgent
  timestamp requested_at;
};

using input_snapshot = snapshot<task_input>;

/// An attempt that is over, as far as fencing needs it.
struct ended_attempt {
  std::uint64_t lease_nonce = 0;
  attempt_outcome outcome = attempt_outcome::success;
};

/// One step of a resident task. Derived from the recorded attempts alone.
struct step_record {
  step_state state = step_state::pending;
  std::uint16_t remaining_parents = 0; ///< parents that do not yet satisfy their children
  std::vector<ended_attempt> attempts; ///< attempt n stands at index n - 1
  json_text result;                    ///< payload of the successful attempt
  json_text error;                     ///< error object of the last failed attempt
  json_text metadata;                  ///< metadata object of the last ended attempt
  std::optional<std::int64_t> execution_time_ms;
  std::string worker; ///< who ended the last attempt
  std::optional<timestamp> next_attempt_at;
  std::optional<timestamp> last_attempted_at;
  std::optional<timestamp> last_failure_at;
  std::optional<timestamp> completed_at;
};

/// Everything a node knows of one resident task. Loaded once, then moved from actor to actor in a baton.
/// Not thread-safe: whoever holds the baton owns it.
struct task_context {
  task_id id;
  template_snapshot definition;
  input_snapshot input;
  std::int32_t version = 0; ///< of the head row; each committed turn adds one
  task_state state = task_state::pending;
  timestamp created_at;
  timestamp updated_at;
  std::optional<timestamp> completed_at;
  std::vector<step_record> steps;                            ///< step number n stands at index n - 1
  std::array<std::uint32_t, step_state_count> step_counts{}; ///< steps per state
  std::uint32_t turn_round_trips = 0;                        ///< database round trips made for the open turn so far

  std::uint32_t count(step_state s) const { return step_counts[static_cast<std::size_t>(s)]; }
};

/// A copy for readers, with the steps that are with a worker shown as in_progress.
using task_snapshot = snapshot<task_context>;

/// The right to change a task's context, handed from actor to actor. CAF copies message values, so copies of a baton
/// share one slot, and only the first take() gets the context. Thread-safe as far as messages are.
class baton {
public:
  baton() = default;
  explicit baton(std::unique_ptr<task_context> context)
    : slot_(std::make_shared<std::unique_ptr<task_context>>(std::move(context))) {}

  /// The context; null if it was taken already.
  std::unique_ptr<task_context> take() const { return slot_ ? std::move(*slot_) : nullptr; }

private:
  std::shared_ptr<std::unique_ptr<task_context>> slot_;
};

} // namespace geartrain
