#pragma once

#include "runtime/http/http_message.hpp"
#include "runtime/http/http_metrics.hpp"
#include "runtime/http/responder.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace geartrain {

/// Answers a request through its responder, now or later. Runs on a thread of the server and must not block.
using http_handler = std::function<void(http_request, responder)>;

/// What a route takes as a body.
struct route_options {
  std::size_t max_body_bytes = std::size_t{1} << 20;
  std::vector<std::string> content_types{"application/json"}; ///< of a body that is not empty; else 415
};

/// One method of one path pattern.
struct route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments; ///< of the pattern; "{name}" takes any one segment that is not empty
  http_handler handler;
  route_options options;
  route_metrics* metrics = nullptr; ///< owned by the router's http_metrics
};

/// Outcome of a look-up.
struct route_match {
  const route* found = nullptr; ///< null: 404, or 405 if `allow` is not empty
  name_values params;
  std::string allow; ///< methods that the path takes, for the Allow header
};

/// Which handler serves which method and path. Filled before the server starts; afterwards look-ups are thread-safe.
class router {
public:
  explicit router(std::shared_ptr<http_metrics> metrics = std::make_shared<http_metrics>());

  /// `pattern` is like "/v1/tasks/{task_uuid}". A GET route also serves HEAD. The first added route that fits wins.
  void add(std::string method, std::string pattern, http_handler handler, route_options options = {});

  /// Origins that browsers may call from; "*" stands for any. None (the default): no CORS headers at all.
  void allow_origins(std::vector<std::string> origins) { origins_ = std::move(origins); }

  /// `path` as sent; its segments are percent-decoded one by one.
  route_match match(std::string_view method, std::string_view path) const;

  /// The value for Access-Control-Allow-Origin; empty: the origin may not call.
  std::string allowed_origin(std::string_view origin) const;

  const std::shared_ptr<http_metrics>& metrics() const { return metrics_; }

private:
  std::vector<std::unique_ptr<route>> routes_;
  std::vector<std::string> origins_;
  std::shared_ptr<http_metrics> metrics_;
};

} // namespace geartrain
