#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace geartrain {

using name_values = std::vector<std::pair<std::string, std::string>>;

/// One complete request as a handler sees it. A plain value.
struct http_request {
  std::string method;       ///< upper case; a HEAD request arrives as GET
  std::string path;         ///< as sent, without the query
  name_values params;       ///< decoded values of the pattern's {names}
  name_values query;        ///< decoded, in the order given
  name_values headers;      ///< names in lower case, in the order given
  std::string content_type; ///< media type in lower case without parameters; empty: none
  std::string body;
  std::string request_id; ///< as given by the client, or generated

  /// The value of {name} in the route's pattern; empty if the pattern has no such name.
  std::string_view param(std::string_view name) const;

  /// The last value of a query parameter.
  std::optional<std::string_view> query_value(std::string_view name) const;

  /// The first value of a header, its name in lower case; empty: not there.
  std::string_view header(std::string_view name) const;
};

/// What a handler answers. The server adds the length, the connection handling and `x-request-id`.
struct http_response {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  name_values headers;
};

/// The error body that every refusal has: {"error":{"code":…,"message":…}}. Both texts are escaped as needed.
http_response error_response(unsigned status, std::string_view code, std::string_view message);

} // namespace geartrain
