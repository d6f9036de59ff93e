#include "runtime/http/response_head.hpp"

#include "runtime/http/http_date.hpp"

#include <boost/beast/http/status.hpp>

#include <chrono>

namespace geartrain {

namespace {

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (auto c : value)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      out += c;
  out += "\r\n";
}

/// The Date header's value, formatted once a second per thread.
const std::string& date_now() {
  thread_local std::chrono::sys_seconds when{};
  thread_local std::string text;
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (now != when || text.empty()) {
    when = now;
    text = format_http_date(now);
  }
  return text;
}

} // namespace

std::string response_head(const http_response& response, const head_options& options) {
  std::string out;
  out.reserve(384);
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  out.append(reason.data(), reason.size());
  out += "\r\n";
  append_header(out, "Date", date_now());
  if (response.status != 204) {
    append_header(out, "Content-Type", response.content_type);
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  }
  append_header(out, "x-request-id", options.request_id);
  for (const auto& [name, value] : response.headers)
    append_header(out, name, value);
  if (!options.origin.empty()) {
    append_header(out, "Access-Control-Allow-Origin", options.origin);
    append_header(out, "Access-Control-Expose-Headers", "x-request-id, x-correlation-id, Location, Retry-After");
    append_header(out, "Vary", "Origin");
  }
  if (options.close)
    append_header(out, "Connection", "close");
  else if (options.http_1_0)
    append_header(out, "Connection", "keep-alive");
  out += "\r\n";
  return out;
}

} // namespace geartrain
