#pragma once

#include "runtime/http/http_message.hpp"

#include <string>
#include <string_view>

namespace geartrain {

/// How an answer's head depends on the connection.
struct head_options {
  std::string_view request_id;
  std::string_view origin; ///< allowed origin for CORS; empty: no CORS headers
  bool close = false;      ///< say `Connection: close`
  bool http_1_0 = false;   ///< the client speaks HTTP/1.0
};

/// Status line and headers up to the empty line. Control characters in header values are dropped.
std::string response_head(const http_response& response, const head_options& options);

} // namespace geartrain
