#pragma once

#include "messages/requests.hpp"
#include "runtime/http/http_message.hpp"

#include <string_view>
#include <variant>

namespace geartrain {

/// Reads the body of POST /v1/tasks; every problem at once. The context is taken exactly as written. A missing
/// correlation id is generated.
std::variant<create_task, http_response> parse_create_task(std::string_view body);

} // namespace geartrain
