#include "runtime/cluster/host_process.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace geartrain {

namespace {

/// Empty if it can't be read. Not through the buffer itself: that throws if the process of a file in /proc ends meanwhile.
std::string read_text(const std::string& path) {
  std::ifstream in{path};
  std::string text;
  return std::getline(in, text, '\0') ? text : std::string{};
}

/// The start of the machine and the namespace of process ids; empty if either is unknown.
std::string read_host() {
  std::istringstream boot{read_text("/proc/sys/kernel/random/boot_id")};
  std::string boot_id;
  struct stat space {};
  if (!(boot >> boot_id) || ::stat("/proc/self/ns/pid", &space) != 0)
    return {};
  return boot_id + ":" + std::to_string(space.st_ino);
}

const std::string& this_host() {
  static const std::string host = read_host(); // neither changes while a process lives
  return host;
}

struct process_stat {
  char state = 0;
  std::int64_t started = 0;
};

std::optional<process_stat> read_stat(std::int64_t pid) {
  auto text = read_text("/proc/" + std::to_string(pid) + "/stat");
  auto name_end = text.rfind(')'); // the second field is the program's name, which may hold anything, even ") "
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream fields{text.substr(name_end + 1)};
  process_stat out;
  fields >> out.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field)
    fields >> skipped;
  if (!(fields >> out.started))
    return std::nullopt;
  return out;
}

} // namespace

host_process this_process() {
  host_process out;
  out.host = this_host();
  out.pid = ::getpid();
  if (auto stat = read_stat(out.pid))
    out.started = stat->started;
  else
    out.host.clear();
  return out;
}

std::optional<bool> still_runs(const host_process& process) {
  if (process.host.empty() || process.host != this_host() || process.pid <= 0)
    return std::nullopt;
  auto stat = read_stat(process.pid);
  if (!stat) {
    // Some systems hide the processes of other users; those still answer that they are there.
    bool gone = ::kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH;
    return gone ? std::optional{false} : std::nullopt;
  }
  return stat->started == process.started && stat->state != 'Z' && stat->state != 'X';
}

} // namespace geartrain
