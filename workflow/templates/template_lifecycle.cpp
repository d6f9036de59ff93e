#include "workflow/templates/template_lifecycle.hpp"

#include <array>

namespace geartrain {

namespace {

constexpr std::int64_t month_in_minutes = 43'200;
constexpr std::int64_t week_in_minutes = 10'080;
constexpr std::array<std::string_view, 3> staleness_actions{"dlq", "error", "none"};

struct period {
  std::string_view key;
  std::int64_t max_minutes;
  std::optional<std::chrono::minutes> lifecycle_policy::*target;
};
constexpr std::array<period, 4> periods{
  {{"max_duration_minutes", month_in_minutes, &lifecycle_policy::max_duration},
   {"max_waiting_for_dependencies_minutes", week_in_minutes, &lifecycle_policy::max_waiting_for_dependencies},
   {"max_waiting_for_retry_minutes", week_in_minutes, &lifecycle_policy::max_waiting_for_retry},
   {"max_steps_in_process_minutes", week_in_minutes, &lifecycle_policy::max_steps_in_process}}};

/// The older pair of switches can take the default action back: without a dead letter the task only fails, and with both
/// off nothing happens. An action that was asked for by name stands.
staleness_action apply_switches(staleness_action action, std::optional<bool> fail, std::optional<bool> dead_letter) {
  if (action != staleness_action::dlq || dead_letter.value_or(true))
    return action;
  return fail.value_or(true) ? staleness_action::error : staleness_action::none;
}

} // namespace

std::optional<nlohmann::json> read_lifecycle(const template_fields& root, lifecycle_policy& policy) {
  auto fields = root.mapping("lifecycle");
  if (!fields)
    return std::nullopt;
  auto action = static_cast<staleness_action>(fields->choice("staleness_action", staleness_actions).value_or(0));
  nlohmann::json out{{"staleness_action", to_string(action)}};
  for (const auto& one : periods) {
    if (auto minutes = fields->integer(one.key, 1, one.max_minutes)) {
      policy.*one.target = std::chrono::minutes{*minutes};
      out[std::string(one.key)] = *minutes;
    }
  }
  auto read_switch = [&](const char* key) {
    auto flag = fields->boolean(key);
    if (flag)
      out[key] = *flag;
    return flag;
  };
  auto fail = read_switch("auto_fail_on_timeout");
  auto dead_letter = read_switch("auto_dlq_on_timeout");
  policy.action = apply_switches(action, fail, dead_letter);
  return out;
}

} // namespace geartrain
