#pragma once

#include "messages/task.hpp"
#include "runtime/api/json_writer.hpp"

namespace geartrain {

enum class task_parts : std::uint8_t {
  all,
  head, ///< without the context and the steps, which may be large
};

/// The body of a task as create, get and list answer it, steps included.
void write_task(json_writer& out, const task_context& task, timestamp now, task_parts parts = task_parts::all);

/// The body of one step.
void write_step(json_writer& out, const task_context& task, std::uint16_t number, timestamp now);

} // namespace geartrain
