#pragma once

#include "runtime/api/api_state.hpp"

#include <functional>
#include <vector>

namespace geartrain {

/// Every answer, at the index of its report.
using report_answers = std::vector<report_answer>;

/// Sends reports and waits for all their answers. `done` runs once, on any thread: with the answers, or with the first
/// failure if the outcome of any report is unknown. Refused for lack of credit: a failure too.
void submit_all(const api_ptr& api, std::vector<step_report> reports,
                std::function<void(expected<report_answers>)> done);

} // namespace geartrain
