#pragma once

#include "messages/cluster.hpp"

#include <optional>

namespace geartrain {

/// How this process is known to others on its machine. `host` is empty where the system doesn't tell. Thread-safe.
host_process this_process();

/// Whether that process still runs; nothing if it can't be seen from here: another machine, or another namespace of
/// process ids. A zombie doesn't run, and neither does a process whose id now names another one. Thread-safe.
std::optional<bool> still_runs(const host_process& process);

} // namespace geartrain
