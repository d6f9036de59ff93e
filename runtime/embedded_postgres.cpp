#include "runtime/embedded_postgres.hpp"

#include "db/blocking_session.hpp"
#include "runtime/child_process.hpp"
#include "runtime/postgres_files.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>

namespace geartrain {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t log_excerpt = 1500;
constexpr int most_launches = 3;

/// An exclusive lock on a file, held until this object or its process is gone.
class file_lock {
public:
  explicit file_lock(const fs::path& file) : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) != 0)
      release();
  }
  ~file_lock() { release(); }
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

  bool held() const { return fd_ >= 0; }

private:
  void release() {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = -1;
  }

  int fd_;
};

/// Sized for a laptop; what is safe by default stays as it is (fsync, full page writes, synchronous commit).
std::vector<std::pair<std::string, std::string>> base_settings(const postgres_layout& layout) {
  return {
    {"listen_addresses", ""},
    {"unix_socket_directories", layout.socket_dir.string()},
    {"unix_socket_permissions", "0700"},
    {"port", "5432"},
    {"max_connections", "50"},
    {"shared_buffers", "128MB"},
    {"max_wal_size", "1GB"},
    {"checkpoint_timeout", "15min"},
    {"autovacuum_naptime", "20s"},
    {"random_page_cost", "1.1"},
    {"jit", "off"},
    {"max_parallel_workers_per_gather", "0"},
    {"log_min_messages", "warning"},
    {"log_timezone", "UTC"},
    {"timezone", "UTC"},
  };
}

std::string major_version_of(const fs::path& cluster) {
  std::string version;
  std::ifstream{cluster / "PG_VERSION"} >> version;
  return version;
}

expected<fs::path> binaries_for(const embedded_postgres_config& config, const postgres_layout& layout) {
  if (!config.bin_dir.empty())
    return config.bin_dir;
  return find_postgres_binaries(major_version_of(layout.cluster));
}

failure explain(const std::string& what, int status, const postgres_layout& layout, const fs::path& log) {
  if (status == exit_no_directory)
    return {errc::invalid, what + ": the user that PostgreSQL runs as can't enter " + layout.root.string() +
                             "; choose a data directory outside of private home directories"};
  return {errc::invalid, what + " (exit status " + std::to_string(status) + "): " + tail_of(log, log_excerpt)};
}

/// initdb works beside the cluster's place and is renamed when complete: a killed one leaves nothing half done.
expected<bool> init_cluster(const fs::path& bin, const postgres_layout& layout, const std::optional<run_as>& user) {
  std::error_code failed;
  fs::remove_all(layout.fresh_cluster, failed);
  child_command command;
  command.arguments = {bin / "initdb",     "--pgdata=" + layout.fresh_cluster.string(),
                       "--auth=trust",     "--encoding=UTF8",
                       "--locale=C",       "--username=geartrain",
                       "--no-instructions"};
  command.identity = user;
  command.directory = layout.root;
  command.log = layout.initdb_log;
  auto status = run_to_end(command);
  if (!status)
    return status.error();
  if (*status != 0)
    return explain("initdb failed", *status, layout, layout.initdb_log);
  fs::rename(layout.fresh_cluster, layout.cluster, failed);
  if (failed)
    return failure{errc::invalid, "can't rename " + layout.fresh_cluster.string() + ": " + failed.message()};
  return true;
}

child_command server_command(const fs::path& bin, const postgres_layout& layout, const std::optional<run_as>& user,
                             const std::vector<std::pair<std::string, std::string>>& extra) {
  child_command command;
  command.arguments = {bin / "postgres", "-D", layout.cluster.string()};
  auto settings = base_settings(layout);
  settings.insert(settings.end(), extra.begin(), extra.end());
  for (auto& [name, value] : settings) {
    command.arguments.push_back("-c");
    command.arguments.push_back(name + "=" + value);
  }
  command.identity = user;
  command.directory = layout.root;
  command.log = layout.log;
  return command;
}

std::string dsn_of(const postgres_layout& layout) {
  std::string host;
  for (auto c : layout.socket_dir.string()) {
    if (c == '\'' || c == '\\')
      host += '\\';
    host += c;
  }
  return "host='" + host + "' port=5432 user=geartrain dbname=postgres";
}

} // namespace

struct embedded_postgres::parts {
  explicit parts(postgres_layout where) : layout(std::move(where)), lock(layout.root / "lock") {}

  postgres_layout layout;
  file_lock lock;
  embedded_postgres_config config;
  child_command command;
  std::optional<guarded_child> server;
  pid_t pid = 0;
};

namespace {

/// True when the server answers, false when it has ended by itself before.
expected<bool> wait_until_ready(guarded_child& server, const std::string& dsn,
                                std::chrono::steady_clock::time_point deadline) {
  while (!server_answers(dsn)) {
    if (server.has_ended())
      return false;
    if (std::chrono::steady_clock::now() > deadline)
      return failure{errc::unavailable, "PostgreSQL does not answer in time"};
    poll(nullptr, 0, 10);
  }
  return true;
}

/// A process that the last owner's guardian is just ending may be in the way for a moment, so there are a few launches.
expected<guarded_child> launch_server(const child_command& command, const postgres_layout& layout,
                                      const embedded_postgres_config& config) {
  auto deadline = std::chrono::steady_clock::now() + config.start_timeout;
  for (int i = 0; i < most_launches; ++i) {
    if (auto stopped = stop_leftovers(layout.cluster); !stopped)
      return stopped.error();
    else if (*stopped)
      spdlog::info("stopped the PostgreSQL that an earlier run left on {}", layout.cluster.string());
    auto server = guarded_child::start(command, config.ephemeral ? layout.root : fs::path{});
    if (!server)
      return server.error();
    auto ready = wait_until_ready(*server, dsn_of(layout), deadline);
    if (!ready)
      return failure{ready.error().code, ready.error().message + ": " + tail_of(layout.log, log_excerpt)};
    if (*ready)
      return std::move(*server);
  }
  return failure{errc::unavailable, "PostgreSQL does not start: " + tail_of(layout.log, log_excerpt)};
}

} // namespace

expected<std::unique_ptr<embedded_postgres>> embedded_postgres::start(embedded_postgres_config config) {
  auto user = find_server_user();
  if (!user)
    return user.error();
  auto layout = lay_out(fs::absolute(config.data_dir), *user);
  if (!layout)
    return layout.error();
  auto made = std::make_unique<parts>(std::move(*layout));
  if (!made->lock.held())
    return failure{errc::conflict, "another process uses the data directory " + made->layout.root.string()};
  auto bin = binaries_for(config, made->layout);
  if (!bin)
    return bin.error();
  if (!fs::exists(made->layout.cluster / "PG_VERSION"))
    if (auto done = init_cluster(*bin, made->layout, *user); !done)
      return done.error();
  made->command = server_command(*bin, made->layout, *user, config.settings);
  made->config = std::move(config);
  std::unique_ptr<embedded_postgres> server{new embedded_postgres(std::move(made))};
  if (auto launched = server->launch(); !launched)
    return launched.error();
  return server;
}

embedded_postgres::embedded_postgres(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

embedded_postgres::~embedded_postgres() {
  stop();
  std::error_code ignored;
  if (parts_->config.ephemeral)
    fs::remove_all(parts_->layout.root, ignored);
  if (parts_->config.ephemeral && parts_->layout.socket_dir.parent_path() != parts_->layout.root)
    fs::remove_all(parts_->layout.socket_dir, ignored);
}

expected<bool> embedded_postgres::launch() {
  auto server = launch_server(parts_->command, parts_->layout, parts_->config);
  if (!server)
    return server.error();
  parts_->server.emplace(std::move(*server));
  parts_->pid = read_postmaster_pid(parts_->layout.cluster);
  return true;
}

expected<bool> embedded_postgres::restart(postgres_stop how) {
  stop(how);
  return launch();
}

std::string embedded_postgres::dsn() const {
  return dsn_of(parts_->layout);
}

pid_t embedded_postgres::pid() const {
  return parts_->pid;
}

void embedded_postgres::stop(postgres_stop how) {
  if (parts_->server)
    parts_->server->stop(how == postgres_stop::immediate);
}

} // namespace geartrain
