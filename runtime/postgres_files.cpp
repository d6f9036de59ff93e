#include "runtime/postgres_files.hpp"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <vector>

namespace geartrain {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view socket_name = "/.s.PGSQL.5432";
constexpr auto longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;

bool holds_binaries(const fs::path& dir) {
  return access((dir / "postgres").c_str(), X_OK) == 0 && access((dir / "initdb").c_str(), X_OK) == 0;
}

int number_of(const fs::path& name) {
  auto text = name.string();
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// A directory that the server's user owns and nobody else may enter.
bool make_private(const fs::path& dir, const std::optional<run_as>& user) {
  struct stat found {};
  if (mkdir(dir.c_str(), 0700) == 0 && user && chown(dir.c_str(), user->user, user->group) != 0)
    return false;
  if (lstat(dir.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    return false;
  return found.st_uid == (user ? user->user : geteuid()) && chmod(dir.c_str(), 0700) == 0;
}

/// True if nothing is in the directory, or what we put there: never is a stranger's directory taken over.
bool is_ours(const fs::path& root) {
  constexpr std::array<std::string_view, 6> known{"lock", "run", "pg", "pg.new", "postgres.log", "initdb.log"};
  std::error_code failed;
  for (auto& entry : fs::directory_iterator(root, failed))
    if (std::find(known.begin(), known.end(), entry.path().filename().string()) == known.end())
      return false;
  return true;
}

/// Gives a tree that an earlier run as another user made to the server's user.
void take_over(const fs::path& root, const run_as& user) {
  std::error_code ignored;
  (void)lchown(root.c_str(), user.user, user.group);
  for (auto& entry : fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, ignored))
    (void)lchown(entry.path().c_str(), user.user, user.group);
}

fs::path short_socket_dir(const fs::path& root) {
  const char* temporary = std::getenv("TMPDIR");
  fs::path base = temporary && *temporary ? temporary : "/tmp";
  std::ostringstream name;
  name << "geartrain-" << geteuid() << '-' << std::hex << std::hash<std::string>{}(root.string());
  return base / name.str();
}

/// True if `pid` is a living PostgreSQL process that works in this cluster (every one has it as its working directory).
bool works_in(pid_t pid, const fs::path& cluster) {
  auto proc = fs::path{"/proc"} / std::to_string(pid);
  std::error_code failed;
  auto directory = fs::read_symlink(proc / "cwd", failed);
  if (failed || directory != cluster)
    return false;
  std::string name;
  std::ifstream{proc / "comm"} >> name;
  return name == "postgres";
}

std::vector<pid_t> processes_in(const fs::path& cluster) {
  std::vector<pid_t> found;
  std::error_code failed;
  for (auto& entry : fs::directory_iterator("/proc", failed)) {
    auto pid = number_of(entry.path().filename());
    if (pid > 0 && works_in(pid, cluster))
      found.push_back(pid);
  }
  return found;
}

bool wait_until_gone(const fs::path& cluster, std::chrono::seconds longest) {
  auto deadline = std::chrono::steady_clock::now() + longest;
  while (!processes_in(cluster).empty()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

void signal_all(const fs::path& cluster, int number) {
  for (auto pid : processes_in(cluster))
    kill(pid, number);
}

} // namespace

expected<fs::path> find_postgres_binaries(const std::string& major_version) {
  fs::path best;
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    auto name = entry.path().filename();
    if (!holds_binaries(entry.path() / "bin") || (!major_version.empty() && name != major_version))
      continue;
    if (best.empty() || number_of(name) > number_of(best.parent_path().filename()))
      best = entry.path() / "bin";
  }
  if (!best.empty())
    return best;
  const char* path = std::getenv("PATH");
  std::istringstream places{path ? path : ""};
  for (std::string place; std::getline(places, place, ':');)
    if (!place.empty() && holds_binaries(place))
      return fs::path{place};
  return failure{errc::invalid, "PostgreSQL" + (major_version.empty() ? "" : " " + major_version) +
                                  " is not installed: no postgres and initdb in /usr/lib/postgresql/*/bin or PATH"};
}

expected<std::optional<run_as>> find_server_user() {
  if (geteuid() != 0)
    return std::optional<run_as>{};
  for (auto* name : {"postgres", "nobody"}) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    if (getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_uid != 0)
      return std::optional<run_as>{run_as{found->pw_uid, found->pw_gid, name}};
  }
  return failure{errc::invalid, "PostgreSQL may not run as root, and there is no user postgres or nobody"};
}

expected<postgres_layout> lay_out(const fs::path& root, const std::optional<run_as>& user) {
  std::error_code failed;
  fs::create_directories(root.parent_path(), failed);
  if (mkdir(root.c_str(), 0700) != 0 && !fs::is_directory(root, failed))
    return failure{errc::invalid, "can't make the data directory " + root.string()};
  auto real = fs::canonical(root, failed);
  if (failed)
    return failure{errc::invalid, "can't enter the data directory " + root.string() + ": " + failed.message()};
  if (!is_ours(real))
    return failure{errc::invalid, real.string() + " is not empty and no data directory of geartrain"};
  struct stat found {};
  if (user && stat(real.c_str(), &found) == 0 && found.st_uid != user->user)
    take_over(real, *user);
  postgres_layout layout{real, real / "pg", real / "pg.new", real / "run", real / "postgres.log", real / "initdb.log"};
  if (layout.socket_dir.string().size() + socket_name.size() > longest_socket_path)
    layout.socket_dir = short_socket_dir(real);
  if (layout.socket_dir.string().size() + socket_name.size() > longest_socket_path)
    return failure{errc::invalid, "TMPDIR is too long for a Unix socket: " + layout.socket_dir.string()};
  if (!make_private(layout.socket_dir, user))
    return failure{errc::invalid, "the socket directory " + layout.socket_dir.string() + " belongs to somebody else"};
  return layout;
}

expected<bool> stop_leftovers(const fs::path& cluster) {
  auto postmaster = read_postmaster_pid(cluster);
  auto found = !processes_in(cluster).empty();
  if (postmaster > 0 && works_in(postmaster, cluster)) {
    kill(postmaster, SIGINT); // fast: a shutdown checkpoint, nothing to recover
    wait_until_gone(cluster, std::chrono::seconds{20});
  }
  for (auto number : {SIGQUIT, SIGKILL}) {
    if (processes_in(cluster).empty())
      break;
    signal_all(cluster, number);
    wait_until_gone(cluster, std::chrono::seconds{10});
  }
  if (!processes_in(cluster).empty())
    return failure{errc::unavailable, "a PostgreSQL that an earlier run left on " + cluster.string() + " does not end"};
  std::error_code ignored;
  fs::remove(cluster / "postmaster.pid", ignored); // its number may name another program by now
  return found;
}

pid_t read_postmaster_pid(const fs::path& cluster) {
  pid_t pid = 0;
  std::ifstream{cluster / "postmaster.pid"} >> pid;
  return pid;
}

std::string tail_of(const fs::path& file, std::size_t most) {
  std::ifstream in{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  return text.size() > most ? text.substr(text.size() - most) : text;
}

} // namespace geartrain
