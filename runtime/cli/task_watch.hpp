#pragma once

#include "messages/time.hpp"
#include "runtime/cli/cli_context.hpp"

#include <string>

namespace geartrain {

struct watch_options {
  milliseconds interval{250};
  milliseconds timeout{0};              ///< 0: as long as it takes
  milliseconds outage_tolerance{30000}; ///< once it was reached, for how long the server may be away
};

/// Shows the step tree of a task until it is over: redrawn in place on a terminal, else a line for each change; with
/// JSON, a line {"task","steps"} for each change. exit_ok if the task completed, exit_failed otherwise.
int watch_task(const cli_context& context, const std::string& task, const watch_options& options);

} // namespace geartrain
