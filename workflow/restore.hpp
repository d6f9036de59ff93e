#pragma once

#include "messages/storage.hpp"
#include "messages/task.hpp"

#include <memory>

namespace geartrain {

/// What the rows of a task say about it at time `now`: step states follow from the recorded attempts alone.
/// `definition` must be the revision that the head row pins. Steps with a recorded claim are in progress, also when its
/// lease has expired: the expiry is a fact that still has to be recorded. Pure; rows that name no step are ignored.
std::unique_ptr<task_context> restore_task(const task_rows& rows, template_snapshot definition, timestamp now);

} // namespace geartrain
