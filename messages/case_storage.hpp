#pragma once

#include "messages/task.hpp"
#include "messages/turn.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Units of work for the database actor that look back: audits, dead letters, what is stuck, what is slow. See storage.hpp.

namespace geartrain {

// -- audit ---------------------------------------------------------------------

/// Something that is known of one step, for its audit; newest first in a reply.
struct audit_row {
  uuid id;            ///< stable over calls
  uuid transition_id; ///< of the turn that wrote it
  timestamp recorded_at;
  std::string worker; ///< empty for acts
  bool success = false;
  std::optional<std::int64_t> execution_time_ms;
  json_text result; ///< {"type": …, "data": …}
  std::optional<step_state> from;
  step_state to = step_state::pending;
  std::string kind; ///< result, refused, or the act's name
  std::string who;
  std::string reason;
  std::uint16_t attempt = 0; ///< 0 for acts
};

/// Everything recorded about one step: ended attempts, refused reports, acts. No such task: errc::not_found.
struct read_audit_unit {
  step_id step;
};

struct read_audit_reply {
  std::vector<audit_row> rows;
  uuid correlation_id;
};

// -- dead letters ----------------------------------------------------------------

struct dead_letter_row {
  dead_letter letter;
  std::optional<task_id> task; ///< absent: a request that never became one
  resolution_status status = resolution_status::pending;
  std::optional<timestamp> resolved_at;
  std::string notes;
  std::string resolved_by;
  timestamp updated_at;
};

/// Newest first. Absent filters let everything pass.
struct list_dead_letters_unit {
  std::optional<resolution_status> status;
  std::optional<task_id> task;
  std::optional<uuid> id;
  std::uint32_t limit = 50;
  std::uint32_t offset = 0;
};

struct list_dead_letters_reply {
  std::vector<dead_letter_row> rows;
};

/// Opens a case by hand; nothing happens if the task has a pending one. `rows` of the answer: 1 if it was opened.
struct add_dead_letter_unit {
  task_id task;
  dead_letter letter;
};

/// Changes a case; what is absent stays. errc::not_found if there is none with this id.
struct update_dead_letter_unit {
  uuid id;
  std::optional<resolution_status> status;
  std::optional<std::string> notes;
  std::optional<std::string> resolved_by;
  json_text metadata;
  timestamp now;
};

struct dead_letter_figures {
  dead_letter_reason reason = dead_letter_reason::staleness_timeout;
  std::uint64_t total = 0;
  std::uint64_t pending = 0;
  std::uint64_t manually_resolved = 0;
  std::uint64_t permanently_failed = 0;
  std::uint64_t cancelled = 0;
  std::optional<timestamp> oldest;
  std::optional<timestamp> newest;
  std::optional<double> average_resolution_minutes;
};

struct dead_letter_stats_unit {
  timestamp now;
};

struct dead_letter_stats_reply {
  std::vector<dead_letter_figures> rows;
};

/// A pending case with what is known of its task now, most pressing first.
struct investigation {
  dead_letter_row row;
  std::string namespace_name;
  std::string task_name;
  task_state current_state = task_state::pending;
  double minutes_in_dlq = 0;
  double minutes_in_state = 0;
  double priority_score = 0;
};

struct investigation_queue_unit {
  timestamp now;
  std::uint32_t limit = 100;
};

struct investigation_queue_reply {
  std::vector<investigation> rows;
};

/// Open tasks that wait or run, those nearest to their deadline first.
struct staleness_row {
  task_id task;
  std::string namespace_name;
  std::string task_name;
  task_state state = task_state::pending;
  std::int16_t priority = 0;
  timestamp created_at;
  timestamp state_since;
  std::optional<timestamp> deadline_at;
};

struct staleness_unit {
  timestamp now;
  std::uint32_t limit = 100;
};

struct staleness_reply {
  std::vector<staleness_row> rows;
};

// -- analytics -------------------------------------------------------------------

struct performance_unit {
  timestamp since;
  timestamp now;
};

struct performance_reply {
  std::uint64_t total_tasks = 0; ///< created in the window
  std::uint64_t active_tasks = 0;
  std::uint64_t completed_tasks = 0;
  std::uint64_t failed_tasks = 0;
  std::uint64_t steps = 0; ///< attempts that ended in the window
  std::uint64_t failed_attempts = 0;
  double average_task_seconds = 0;
  double average_step_seconds = 0;
  std::uint64_t recent_completed = 0; ///< in the last hour
  std::uint64_t recent_failed = 0;
};

struct bottlenecks_unit {
  timestamp since;
  std::uint32_t limit = 10;
  std::uint32_t min_executions = 5;
};

struct slow_item {
  std::string namespace_name;
  std::string task_name;
  std::string version;
  std::string step_name; ///< empty for tasks
  double average_seconds = 0;
  double max_seconds = 0;
  std::uint64_t executions = 0;
  std::uint64_t errors = 0;
  double average_steps = 0; ///< tasks only
  std::optional<timestamp> last_executed_at;
};

struct bottlenecks_reply {
  std::vector<slow_item> steps;
  std::vector<slow_item> tasks;
  std::array<std::uint64_t, task_state_count> tasks_by_state{};
  std::uint64_t total_steps = 0; ///< of all tasks
};

} // namespace geartrain
