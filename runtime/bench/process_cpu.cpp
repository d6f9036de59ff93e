#include "runtime/bench/process_cpu.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace geartrain::bench {

namespace {

/// The fields of /proc/PID/stat that matter here.
struct process_stat {
  std::string name;
  pid_t parent = 0;
  std::int64_t own_ticks = 0;      ///< of the living process
  std::int64_t children_ticks = 0; ///< of the ended children that it has waited for
};

std::optional<process_stat> read_stat(pid_t process) {
  std::ifstream file{fmt::format("/proc/{}/stat", process)};
  std::string text; // not through the buffer itself: that throws if the process ends meanwhile
  std::getline(file, text, '\0');
  auto open = text.find('(');
  auto close = text.rfind(')'); // a name may hold anything, brackets and blanks included
  if (open == std::string::npos || close == std::string::npos)
    return std::nullopt;
  process_stat out;
  out.name = text.substr(open + 1, close - open - 1);
  std::istringstream rest{text.substr(close + 1)};
  char state = 0;
  std::string skipped;
  rest >> state >> out.parent;
  for (int field = 5; field <= 13; ++field)
    rest >> skipped;
  std::int64_t user = 0, system = 0, children_user = 0, children_system = 0;
  rest >> user >> system >> children_user >> children_system;
  if (!rest)
    return std::nullopt;
  out.own_ticks = user + system;
  out.children_ticks = children_user + children_system;
  return out;
}

std::map<pid_t, process_stat> read_all() {
  std::map<pid_t, process_stat> all;
  std::error_code failed;
  for (auto& entry : std::filesystem::directory_iterator("/proc", failed)) {
    auto text = entry.path().filename().string();
    pid_t process = 0;
    auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), process);
    if (wrong != std::errc{} || end != text.data() + text.size())
      continue;
    if (auto found = read_stat(process)) // it may have ended since
      all.emplace(process, std::move(*found));
  }
  return all;
}

bool descends_from(const std::map<pid_t, process_stat>& all, pid_t process, pid_t root) {
  while (process != root) {
    auto found = all.find(process);
    if (found == all.end())
      return false;
    process = found->second.parent;
  }
  return true;
}

} // namespace

std::optional<std::int64_t> cpu_us_of_tree(pid_t root) {
  auto all = read_all();
  if (!all.contains(root))
    return std::nullopt;
  std::int64_t ticks = 0;
  for (auto& [process, stat] : all)
    if (descends_from(all, process, root))
      ticks += stat.own_ticks + stat.children_ticks;
  return ticks * (1000000 / sysconf(_SC_CLK_TCK));
}

std::optional<std::int64_t> peak_memory_bytes(pid_t process) {
  std::ifstream file{fmt::format("/proc/{}/status", process)};
  for (std::string word; file >> word;)
    if (word == "VmHWM:") {
      std::int64_t kib = 0;
      file >> kib;
      return kib * 1024;
    }
  return std::nullopt;
}

std::optional<std::string> name_of(pid_t process) {
  auto found = read_stat(process);
  return found ? std::optional{std::move(found->name)} : std::nullopt;
}

std::optional<pid_t> parent_of(pid_t process) {
  auto found = read_stat(process);
  return found ? std::optional{found->parent} : std::nullopt;
}

} // namespace geartrain::bench
