#pragma once

#include "runtime/config.hpp"

#include <spdlog/common.h>
#include <spdlog/details/log_msg.h>

#include <string>

namespace geartrain {

/// Sends the log of the process to standard error, in the level and format of the settings. Call it once, before other
/// threads log.
void start_logging(const log_config& settings);

/// One line of the JSON format, without its end: {"time","level","message"}.
std::string json_log_line(const spdlog::details::log_msg& message);

} // namespace geartrain
