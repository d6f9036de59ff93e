#pragma once

#include "messages/requests.hpp"
#include "messages/storage.hpp"

namespace geartrain {

/// Reads a row of the inbox like the body of POST /v1/tasks, whose members its `options` may hold; the columns of the row
/// win. errc::invalid lists every problem. Thread-safe.
expected<create_task> read_inbox_row(const inbox_row& row);

} // namespace geartrain
