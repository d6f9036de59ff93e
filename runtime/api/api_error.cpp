#include "runtime/api/api_error.hpp"

#include "runtime/api/json_writer.hpp"

#include <spdlog/spdlog.h>

namespace geartrain {

http_response api_error(unsigned status, std::string_view code, std::string_view message,
                        std::string_view details_json) {
  if (details_json.empty())
    return error_response(status, code, message);
  json_writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", code).field("message", message).raw_field("details", details_json);
  out.end_object().end_object();
  http_response response;
  response.status = status;
  response.body = out.take();
  return response;
}

http_response busy_error(std::string_view code, std::string_view message, unsigned retry_after_seconds) {
  json_writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", code).field("message", message);
  if (code == "BACKPRESSURE")
    out.field("retry_after_seconds", retry_after_seconds);
  out.end_object().end_object();
  http_response response;
  response.status = 503;
  response.body = out.take();
  response.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  return response;
}

http_response error_of(const failure& why) {
  switch (why.code) {
    case errc::overloaded:
      return busy_error("BACKPRESSURE", why.message);
    case errc::unavailable:
    case errc::stopping:
    case errc::dropped:
      return busy_error("SERVICE_UNAVAILABLE", why.message);
    case errc::timeout:
      return error_response(408, "TIMEOUT", why.message);
    case errc::not_found:
      return error_response(404, "NOT_FOUND", why.message);
    case errc::invalid:
      return error_response(400, "BAD_REQUEST", why.message);
    case errc::conflict:
      return error_response(409, "CONFLICT", why.message);
    case errc::storage:
      spdlog::error("the database refused a statement: {}", why.message);
      return error_response(500, "DATABASE_ERROR", "the database refused a statement");
    case errc::unhandled:
      break;
  }
  spdlog::error("internal error: {}", why.message);
  return error_response(500, "INTERNAL_ERROR", "an internal error occurred");
}

std::string problems_json(const problems& found) {
  json_writer out;
  out.begin_array();
  for (const auto& one : found) {
    out.begin_object().field("path", one.path);
    if (one.line)
      out.field("line", *one.line);
    out.field("message", one.message).end_object();
  }
  return out.end_array().take();
}

http_response problems_error(unsigned status, std::string_view code, std::string_view summary, const problems& found) {
  std::string message{summary};
  if (!found.empty()) {
    const auto& first = found.front();
    message += message.empty() ? "" : ": ";
    message += first.path.empty() ? first.message : first.path + " " + first.message;
  }
  return api_error(status, code, message, problems_json(found));
}

} // namespace geartrain
