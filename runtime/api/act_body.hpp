#pragma once

#include "messages/turn.hpp"
#include "runtime/http/http_message.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace geartrain {

/// Who asks for something, and why.
struct operator_note {
  std::string who;
  std::string reason;
};

/// Reads the body of an act that needs none: {"reason"?, "by"?}, or the same in the query. `who_name` is another name for
/// "by" that is taken, too. Who does not say is "api".
std::variant<operator_note, http_response> parse_note(const http_request& request, std::string_view who_name = "by");

/// Reads the body of PATCH …/workflow_steps/{step}, tagged by `action_type`. The number of the step stays to be filled in.
std::variant<operator_act, http_response> parse_step_action(std::string_view body);

} // namespace geartrain
