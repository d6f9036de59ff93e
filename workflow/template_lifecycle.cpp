#include "workflow/template_lifecycle.hpp"

#include <array>

namespace geartrain {

namespace {

constexpr std::int64_t month_in_minutes = 43'200;
constexpr std::int64_t week_in_minutes = 10'080;
constexpr std::array<std::string_view, 3> staleness_actions{"dlq", "error", "none"};

struct period {
  std::string_view key;
  std::int64_t max_minutes;
};
constexpr std::array<period, 4> periods{{{"max_duration_minutes", month_in_minutes},
                                         {"max_waiting_for_dependencies_minutes", week_in_minutes},
                                         {"max_waiting_for_retry_minutes", week_in_minutes},
                                         {"max_steps_in_process_minutes", week_in_minutes}}};

} // namespace

std::optional<nlohmann::json> read_lifecycle(const template_fields& root) {
  auto fields = root.mapping("lifecycle");
  if (!fields)
    return std::nullopt;
  auto action = fields->choice("staleness_action", staleness_actions).value_or(0);
  nlohmann::json out{{"staleness_action", staleness_actions[action]}};
  for (const auto& one : periods)
    if (auto minutes = fields->integer(one.key, 1, one.max_minutes))
      out[std::string(one.key)] = *minutes;
  for (std::string_view key : {"auto_fail_on_timeout", "auto_dlq_on_timeout"})
    if (auto flag = fields->boolean(key))
      out[std::string(key)] = *flag;
  return out;
}

} // namespace geartrain
