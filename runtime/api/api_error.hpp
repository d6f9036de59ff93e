#pragma once

#include "messages/expected.hpp"
#include "messages/problem.hpp"
#include "runtime/http/http_message.hpp"

#include <string>
#include <string_view>

namespace geartrain {

/// An error body with `details`, which must be JSON; empty: without.
http_response api_error(unsigned status, std::string_view code, std::string_view message,
                        std::string_view details_json = {});

/// 503 with Retry-After. BACKPRESSURE also says so in the body as `retry_after_seconds`.
http_response busy_error(std::string_view code, std::string_view message, unsigned retry_after_seconds = 1);

/// What a failure inside the engine looks like from outside. Failures that are defects are logged with all they say, and
/// shown without.
http_response error_of(const failure& why);

/// [{"path":…,"line"?:…,"message":…}, …]
std::string problems_json(const problems& found);

/// An error that lists everything that is wrong; its message is the first problem.
http_response problems_error(unsigned status, std::string_view code, std::string_view summary, const problems& found);

} // namespace geartrain
