#include "runtime/bench/helper_process.hpp"

#include "runtime/postgres_files.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace geartrain::bench {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t log_excerpt = 1500;

fs::path default_place() {
  if (auto* told = std::getenv("TMPDIR"); told != nullptr && *told == '/')
    return told;
  return fs::is_directory("/var/tmp") ? "/var/tmp" : "/tmp";
}

} // namespace

// -- scratch_directory ---------------------------------------------------------------

expected<scratch_directory> scratch_directory::make(const fs::path& below) {
  auto pattern = ((below.empty() ? default_place() : fs::absolute(below)) / "geartrain-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    return failure{errc::invalid, fmt::format("can't make {}: {}", pattern, std::strerror(errno))};
  scratch_directory made{pattern};
  if (chmod(pattern.c_str(), 0755) != 0) // PostgreSQL may have to run as another user
    return failure{errc::invalid, fmt::format("can't open {} for others: {}", pattern, std::strerror(errno))};
  return made;
}

scratch_directory::scratch_directory(scratch_directory&& other) noexcept : path_(std::exchange(other.path_, {})) {}

scratch_directory& scratch_directory::operator=(scratch_directory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  if (!path_.empty())
    fs::remove_all(path_, ignored);
}

// -- helper_process ------------------------------------------------------------------

expected<helper_process> helper_process::start(std::vector<std::string> arguments, const fs::path& below,
                                               milliseconds patience) {
  auto home = scratch_directory::make(below);
  if (!home)
    return home.error();
  child_command command;
  command.arguments = std::move(arguments);
  command.directory = home->path();
  command.log = home->path() / "log";
  auto name = command.arguments.front();
  auto child = guarded_child::start(command, home->path());
  if (!child)
    return child.error();
  helper_process started{std::move(*home), std::move(*child)};
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto ended = started.has_ended(); // before the look: what it said last counts
    if (started.look_if_ready())
      return started;
    if (ended)
      return failure{errc::unavailable, fmt::format("{} ended: {}", name, started.log_tail())};
    if (std::chrono::steady_clock::now() > deadline)
      return failure{errc::timeout, fmt::format("{} is not ready in time: {}", name, started.log_tail())};
    poll(nullptr, 0, 5);
  }
}

bool helper_process::look_if_ready() {
  std::ifstream file{log()};
  for (std::string line; std::getline(file, line) && !file.eof();) {
    std::istringstream words{line};
    std::string first;
    if (words >> first >> pid_ && first == "ready") {
      std::getline(words >> std::ws, said_);
      return true;
    }
  }
  return false;
}

std::string helper_process::log_tail() const {
  return tail_of(log(), log_excerpt);
}

} // namespace geartrain::bench
