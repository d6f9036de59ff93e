#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace geartrain::bench {

enum class driver_kind : char { in_process, http, python };

/// What is to be measured, and how. A plain value.
struct bench_options {
  bool quick = false;                 ///< a choice that fits into a minute, unless workloads and drivers are named
  std::vector<std::string> workloads; ///< empty: all
  std::vector<driver_kind> drivers;   ///< empty: all
  double seconds = 0;                 ///< of each phase; 0: 10, or 3 for a quick run
  std::size_t window = 0;             ///< tasks open at saturation; 0: by workload
  std::size_t bulk = 100;             ///< tasks created in one call at saturation; 1: each in its own
  std::size_t width = 0;              ///< steps beside each other in the workload fan-out; 0: 100
  std::size_t nodes = 1;              ///< more: they share tasks and window, and only saturation is measured
  bool overload = false;              ///< bound the node's memory, and offer it twice the tasks that it can take
  bool yardsticks = true;             ///< measure limit and baseline too
  std::string database_url;           ///< empty: a server of our own
  std::map<std::string, std::string> node_settings; ///< by key path
  std::filesystem::path scratch;                    ///< where the server's data goes; empty: below /var/tmp
  std::size_t handler_threads = 2;                  ///< of the node, for handlers in process
  std::size_t handler_prefetch = 2048;              ///< steps that they take in advance
  std::size_t connections = 8;                      ///< of the HTTP workers
  std::size_t max_steps = 128;                      ///< that an HTTP worker takes at a time
  std::size_t python_slots = 16;                    ///< threads of the Python worker
  std::function<void(const std::string& what)> progress;
};

inline const std::map<std::string, driver_kind>& driver_names() {
  static const std::map<std::string, driver_kind> names{
    {"in-process", driver_kind::in_process}, {"http", driver_kind::http}, {"python", driver_kind::python}};
  return names;
}

std::string to_string(driver_kind driver);

} // namespace geartrain::bench
