#include "runtime/logging.hpp"

#include "runtime/http/json_escape.hpp"

#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace geartrain {

namespace {

/// spdlog's patterns do not escape, so that a quote in a message would break the line.
class json_formatter : public spdlog::formatter {
public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    auto line = json_log_line(message) + "\n";
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<json_formatter>(); }
};

} // namespace

std::string json_log_line(const spdlog::details::log_msg& message) {
  auto micros = std::chrono::floor<std::chrono::microseconds>(message.time);
  auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
  auto level = spdlog::level::to_string_view(message.level);
  auto line = fmt::format("{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:06}Z\",\"level\":\"{}\",\"message\":",
                          fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (micros - seconds).count(),
                          std::string_view{level.data(), level.size()});
  append_json_string(line, {message.payload.data(), message.payload.size()});
  return line + "}";
}

void start_logging(const log_config& settings) {
  auto logger = std::make_shared<spdlog::logger>("geartrain", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (settings.format == log_format::json)
    logger->set_formatter(std::make_unique<json_formatter>());
  else
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%-5l%$ %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(settings.level));
  spdlog::set_default_logger(std::move(logger));
}

} // namespace geartrain
