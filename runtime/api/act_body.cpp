#include "runtime/api/act_body.hpp"

#include "runtime/api/api_error.hpp"
#include "runtime/api/body_limits.hpp"
#include "runtime/api/object_reader.hpp"
#include "runtime/api/query_reader.hpp"

#include <array>

namespace geartrain {

namespace {

struct step_action {
  std::string_view type;
  std::string_view who; ///< the name of the member that says who asks for it
  act_kind kind;
};

constexpr std::array<step_action, 3> step_actions{{{"reset_for_retry", "reset_by", act_kind::reset_step},
                                                   {"resolve_manually", "resolved_by", act_kind::resolve_step},
                                                   {"complete_manually", "completed_by", act_kind::complete_step}}};

const step_action* find_action(object_reader& body) {
  auto type = body.text("action_type", name_limits, presence::required);
  if (!type)
    return nullptr;
  for (const auto& action : step_actions)
    if (action.type == *type)
      return &action;
  body.wrong("action_type", "must be reset_for_retry, resolve_manually or complete_manually, not " + *type);
  return nullptr;
}

void read_completion(object_reader& body, operator_act& act, problems& found) {
  auto data = body.object("completion_data");
  if (!data) {
    if (auto given = body.any("completion_data"); !given || given->is_null())
      body.wrong("completion_data", "is required");
    return;
  }
  object_reader reader{*data, "completion_data", found};
  auto part = [&](std::string_view name) {
    auto value = reader.any(name);
    if (value && json_depth(value->text()) > max_stored_depth)
      reader.wrong(name, "is nested deeper than " + std::to_string(max_stored_depth) + " levels");
    return value;
  };
  if (auto result = part("result"))
    act.result = json_text{std::string{result->text()}};
  else
    reader.wrong("result", "is required; it may be null");
  if (auto metadata = part("metadata"); metadata && !metadata->is_null())
    act.metadata = json_text{std::string{metadata->text()}};
}

} // namespace

std::variant<operator_note, http_response> parse_note(const http_request& request, std::string_view who_name) {
  problems found;
  query_reader query{request, found};
  auto who = query.text(who_name, name_limits);
  if (!who)
    who = query.text("by", name_limits);
  auto reason = query.text("reason", reason_limits);
  if (!request.body.empty()) {
    auto parsed = parse_body(request.body, max_stored_depth);
    if (auto* refused = std::get_if<http_response>(&parsed))
      return std::move(*refused);
    object_reader body{std::get<json_view>(parsed), "", found};
    for (auto name : {std::string_view{"by"}, who_name})
      if (auto given = body.text(name, name_limits))
        who = std::move(given);
    if (auto given = body.text("reason", reason_limits))
      reason = std::move(given);
  }
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  return operator_note{who.value_or("api"), reason.value_or("")};
}

std::variant<operator_act, http_response> parse_step_action(std::string_view text) {
  auto parsed = parse_body(text, max_stored_depth + 2);
  if (auto* refused = std::get_if<http_response>(&parsed))
    return std::move(*refused);
  problems found;
  object_reader body{std::get<json_view>(parsed), "", found};
  operator_act act;
  const auto* action = find_action(body);
  act.reason = body.text("reason", {1, reason_limits.max}, presence::required).value_or("");
  if (action) {
    act.kind = action->kind;
    act.who = body.text(action->who, name_limits, presence::required).value_or("");
  }
  if (action && action->kind == act_kind::complete_step)
    read_completion(body, act, found);
  if (!found.empty())
    return problems_error(400, "BAD_REQUEST", "", found);
  return act;
}

} // namespace geartrain
