#pragma once

#include "runtime/bench/bench_options.hpp"
#include "runtime/bench/bench_run.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace geartrain::bench {

/// Everything about a run as one JSON object: machine, settings, command, yardsticks and measurements, each measurement
/// with its ratios (times_baseline, share_of_limit).
nlohmann::json make_report(const bench_options& options, const std::string& command, const bench_result& result,
                           nlohmann::json machine);

} // namespace geartrain::bench
