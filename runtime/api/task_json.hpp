#pragma once

#include "messages/task.hpp"
#include "runtime/api/json_writer.hpp"

namespace geartrain {

/// The body of a task as create, get and list answer it, steps included.
void write_task(json_writer& out, const task_context& task, timestamp now);

/// The body of one step; `index` is its number minus one.
void write_step(json_writer& out, const task_context& task, std::size_t index, timestamp now);

} // namespace geartrain
