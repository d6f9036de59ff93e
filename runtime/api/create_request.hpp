#pragma once

#include "messages/requests.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/http/http_message.hpp"

#include <string_view>
#include <variant>

namespace geartrain {

/// How deep the body of a creation may be nested: the context and the object around it.
inline constexpr std::size_t max_creation_depth = 65;

/// Reads one creation, an object that was checked as JSON; what is wrong with it is added to `found`. The context is taken
/// exactly as written. A missing correlation id is generated.
create_task read_create_task(const json_view& object, problems& found);

/// Reads the body of POST /v1/tasks; every problem at once.
std::variant<create_task, http_response> parse_create_task(std::string_view body);

} // namespace geartrain
