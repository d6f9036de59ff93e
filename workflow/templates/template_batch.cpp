#include "workflow/templates/template_batch.hpp"

#include <array>

namespace geartrain {

namespace {

constexpr std::array<std::string_view, 3> strategies{"continue_on_failure", "fail_fast", "isolate"};

} // namespace

std::optional<batch_config> read_batch_config(const template_fields& step) {
  auto fields = step.mapping("batch_config");
  if (!fields)
    return std::nullopt;
  batch_config out;
  auto& settings = out.settings;
  if (auto size = fields->integer("batch_size", 1, 100'000))
    settings.batch_size = static_cast<std::uint32_t>(*size);
  if (auto workers = fields->integer("parallelism", 1, 1000))
    settings.parallelism = static_cast<std::uint32_t>(*workers);
  settings.cursor_field = fields->text("cursor_field", 255).value_or(settings.cursor_field);
  out.worker_template = fields->required_text("worker_template", "the batch_worker step to make workers of", 255);
  if (auto strategy = fields->choice("failure_strategy", strategies))
    settings.failure_strategy = static_cast<batch_failure_strategy>(*strategy);
  return out;
}

nlohmann::json write_batch_config(const batch_config& config) {
  return {{"batch_size", config.settings.batch_size},
          {"parallelism", config.settings.parallelism},
          {"cursor_field", config.settings.cursor_field},
          {"worker_template", config.worker_template},
          {"failure_strategy", to_string(config.settings.failure_strategy)}};
}

} // namespace geartrain
