#include "runtime/bench/machine.hpp"

#include <nlohmann/json.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace geartrain::bench {

namespace {

std::string cpu_model() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (auto colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (uname(&name) != 0)
    return "unknown";
  return std::string{name.sysname} + " " + name.release;
}

} // namespace

nlohmann::json describe_machine() {
  double load = 0;
  getloadavg(&load, 1);
  auto memory = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return {{"cores", std::thread::hardware_concurrency()},
          {"cpu", cpu_model()},
          {"memory_bytes", memory},
          {"kernel", kernel()},
          {"load_before", load}};
}

std::string source_commit() {
  return GEARTRAIN_COMMIT;
}

} // namespace geartrain::bench
