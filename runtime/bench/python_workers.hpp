#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/helper_process.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace geartrain::bench {

/// The folder of the Python package that belongs to this program: in the source tree that it was built in.
std::optional<std::filesystem::path> find_python_sdk();

/// Starts the worker of the Python package in a process of its own, with the handlers of the workloads. Errors: as
/// helper_process::start(); unavailable too if this machine has no Python.
expected<helper_process> start_python_worker(const std::filesystem::path& sdk, const std::string& url,
                                             std::size_t slots, const std::filesystem::path& scratch);

} // namespace geartrain::bench
