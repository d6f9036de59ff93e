#pragma once

#include "messages/case_storage.hpp"
#include "messages/storage.hpp"

#include <string>

namespace geartrain {

/// The body of /v1/analytics/performance. Rates are percentages of the tasks created in the window.
std::string performance_json(const performance_reply& figures, const performance_unit& window);

/// The body of /v1/analytics/bottlenecks, with advice. `database_use` is the share of the database's queue that is taken.
std::string bottlenecks_json(const bottlenecks_reply& items, double database_use);

} // namespace geartrain
