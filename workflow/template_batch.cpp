#include "workflow/template_batch.hpp"

#include <array>

namespace geartrain {

namespace {

constexpr std::array<std::string_view, 3> strategies{"continue_on_failure", "fail_fast", "isolate"};

} // namespace

std::optional<nlohmann::json> read_batch_config(const template_fields& step) {
  auto fields = step.mapping("batch_config");
  if (!fields)
    return std::nullopt;
  return nlohmann::json{
    {"batch_size", fields->integer("batch_size", 1, 100'000).value_or(1000)},
    {"parallelism", fields->integer("parallelism", 1, 1000).value_or(10)},
    {"cursor_field", fields->text("cursor_field", 255).value_or("id")},
    {"worker_template", fields->required_text("worker_template", "the batch_worker step to make workers of", 255)},
    {"failure_strategy", strategies[fields->choice("failure_strategy", strategies).value_or(0)]}};
}

} // namespace geartrain
