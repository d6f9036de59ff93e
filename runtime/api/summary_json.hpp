#pragma once

#include "messages/case_storage.hpp"
#include "runtime/api/json_writer.hpp"

namespace geartrain {

/// The compact document about a task for dashboards and agents. `cases` are the task's dead letters, newest first.
void write_summary(json_writer& out, const task_context& task, const list_dead_letters_reply& cases, timestamp now);

} // namespace geartrain
