#pragma once

#include "messages/problem.hpp"
#include "messages/uuid.hpp"
#include "runtime/http/http_message.hpp"

namespace geartrain {

/// 409: a task with the same identity exists.
http_response duplicate_error(const task_id& existing);

/// 422: the context breaks the template's input_schema.
http_response context_error(const problems& found);

} // namespace geartrain
