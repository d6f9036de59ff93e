#pragma once

#include "runtime/cli/cli_context.hpp"

#include <string>

namespace geartrain {

/// "/v1/tasks/…/workflow_steps"
std::string steps_path(const std::string& task);

/// The path of one step. People know steps by name; the server, which is asked for it, knows them by id.
expected<std::string> find_step_path(const cli_context& context, const std::string& task, const std::string& step);

} // namespace geartrain
