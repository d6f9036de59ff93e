#include "runtime/bench/worker_fleet.hpp"

#include "runtime/bench/process_cpu.hpp"
#include "runtime/bench/python_workers.hpp"

#include <sys/resource.h>

namespace geartrain::bench {

namespace {

/// Of this process alone: the servers are among its children.
std::int64_t own_cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto us = [](const timeval& t) { return std::int64_t{t.tv_sec} * 1000000 + t.tv_usec; };
  return us(used.ru_utime) + us(used.ru_stime);
}

} // namespace

expected<bool> worker_fleet::start(driver_kind driver, const bench_options& options) {
  if (driver == driver_kind::http)
    http_.emplace(loop_, node_.endpoint(), options.connections, options.max_steps);
  if (driver == driver_kind::python) {
    auto started =
      start_python_worker(find_python_sdk().value_or(""), node_.url(), options.python_slots, options.scratch);
    if (!started)
      return started.error();
    python_.emplace(std::move(*started));
  }
  return true;
}

std::optional<std::int64_t> worker_fleet::driver_cpu_us() const {
  if (!python_)
    return own_cpu_us();
  auto outside = cpu_us_of_tree(python_->pid());
  return outside ? std::optional{own_cpu_us() + *outside} : std::nullopt;
}

std::optional<failure> worker_fleet::broken() {
  if (http_ && http_->broken())
    return http_->broken();
  if (python_ && python_->has_ended())
    return failure{errc::unavailable, "the Python worker ended: " + python_->log_tail()};
  return std::nullopt;
}

std::optional<std::string> why_not(driver_kind driver) {
  if (driver != driver_kind::python)
    return std::nullopt;
  if (!find_python_sdk())
    return "the Python package is not in a folder above the program";
  child_command look;
  look.arguments = {"/usr/bin/env", "python3", "--version"};
  look.directory = "/";
  look.log = "/dev/null";
  auto status = run_to_end(look);
  return status && *status == 0 ? std::nullopt : std::optional<std::string>{"this machine has no python3"};
}

} // namespace geartrain::bench
