#pragma once

#include "messages/expected.hpp"

#include <string_view>
#include <vector>

namespace geartrain::bench {

/// What a worker needs of a step to answer it. Points into the text that was scanned.
struct scanned_step {
  std::string_view step_uuid;
  std::string_view lease_token;
  std::string_view callable;
};

struct scanned_poll {
  std::vector<scanned_step> steps;
  std::size_t settled = 0;   ///< results that were accepted, now or before
  std::size_t unsettled = 0; ///< results that were not
};

/// Reads the answer of POST /v1/workers/poll without parsing it: looks for keys that the texts of the benchmark's own
/// workloads do not hold, which costs a fraction. errc::invalid if a step lacks something.
expected<scanned_poll> scan_poll(std::string_view body);

} // namespace geartrain::bench
