#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What is run: templates whose handlers do nothing, the same for every kind of worker.

namespace geartrain::bench {

/// A template and what a task of it takes. A plain value.
struct workload {
  std::string name;         ///< also the template's name, with '_' for '-'
  std::string description;  ///< for people
  std::string template_doc; ///< JSON
  std::string context;      ///< JSON object
  std::size_t steps = 0;    ///< that a task runs, those made by decisions and batches included
  std::size_t window = 0;   ///< tasks kept open at saturation, if nobody says otherwise
};

inline constexpr std::string_view namespace_name = "bench";

/// What a handler answers to every step: JSON.
struct handler_answer {
  std::string callable;
  std::string result;
};

const std::vector<workload>& workloads();
const std::vector<handler_answer>& handler_answers();

/// The workload "fan-out" with so many steps beside each other.
workload fan_out(std::size_t width);

/// Nothing if there is none of that name.
const workload* find_workload(std::string_view name);

/// The body of POST /v1/tasks for a task of it.
std::string creation_body(const workload& work);

} // namespace geartrain::bench
