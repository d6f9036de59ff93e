#pragma once

#include "runtime/api/routes.hpp"

#include <prometheus/metric_family.h>

#include <vector>

namespace geartrain {

/// Every figure of the node as Prometheus families, durations in seconds. Labels are bounded: actor types, database
/// operations, route patterns, kinds of admission; never an id.
std::vector<prometheus::MetricFamily> collect_metrics(const api_context& context, const http_metrics& http);

} // namespace geartrain
