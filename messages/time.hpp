#pragma once

#include <chrono>
#include <optional>

namespace geartrain {

/// Wall-clock time in UTC with microseconds, as it is stored and shown.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

using milliseconds = std::chrono::milliseconds;

} // namespace geartrain
