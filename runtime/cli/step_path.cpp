#include "runtime/cli/step_path.hpp"

#include "messages/uuid.hpp"
#include "runtime/cli/json_fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace geartrain {

std::string steps_path(const std::string& task) {
  return fmt::format("/v1/tasks/{}/workflow_steps", percent_encode(task));
}

expected<std::string> find_step_path(const cli_context& context, const std::string& task, const std::string& step) {
  if (parse_uuid(step))
    return steps_path(task) + "/" + step;
  auto steps = parse_answer(get_from_server(context, steps_path(task)));
  if (!steps)
    return steps.error();
  for (const auto& candidate : *steps)
    if (field(candidate, "name") == step)
      return steps_path(task) + "/" + percent_encode(field(candidate, "step_uuid"));
  return failure{errc::not_found, fmt::format("the task has no step \"{}\"; see `geartrain step list {}`", step, task)};
}

} // namespace geartrain
