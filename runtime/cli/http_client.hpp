#pragma once

#include "messages/expected.hpp"
#include "messages/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace geartrain {

struct http_call {
  std::string method = "GET";
  std::string target; ///< path and query, already encoded, such as "/v1/tasks?page=2"
  std::string content_type;
  std::string body;
  milliseconds deadline{30000}; ///< for the whole exchange
};

struct http_answer {
  unsigned status = 0;
  std::string body;
};

/// A blocking HTTP/1.1 client for one server; one connection per call. Not thread-safe.
class http_client {
public:
  /// Takes "http://host:port" with an optional path in front of all targets. errc::invalid for anything else.
  static expected<http_client> for_url(std::string_view url);

  /// errc::unavailable if there is no answer (nothing listens, the connection broke), errc::timeout if none came in time.
  /// Any status is an answer.
  expected<http_answer> send(const http_call& call) const;

  const std::string& url() const { return url_; }

private:
  http_client() = default;

  std::string url_;
  std::string authority_;
  std::string host_;
  std::string port_;
  std::string prefix_;
};

/// Encodes one path segment or query value: everything but letters, digits and "-._~" becomes %XX.
std::string percent_encode(std::string_view text);

} // namespace geartrain
