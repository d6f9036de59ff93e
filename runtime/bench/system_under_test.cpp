#include "runtime/bench/system_under_test.hpp"

#include "db/migrate.hpp"
#include "runtime/bench/http_link.hpp"
#include "runtime/bench/process_cpu.hpp"
#include "runtime/config_schema.hpp"

#include <fmt/format.h>

namespace geartrain::bench {

namespace {

constexpr milliseconds node_patience{60000};

/// The postmaster behind a connection, if it is a process of this machine.
pid_t find_postmaster(server_facts& facts) {
  auto backend = facts.backend_pid();
  if (!backend || name_of(*backend) != "postgres")
    return 0;
  return parent_of(*backend).value_or(0);
}

/// One line of the log for each task is not what is measured, and the port is free.
std::map<std::string, std::string> with_defaults(std::map<std::string, std::string> settings) {
  settings.try_emplace("log.level", "warn");
  settings["server.listen"] = "127.0.0.1:0";
  return settings;
}

std::vector<std::string> make_arguments(const std::map<std::string, std::string>& settings,
                                        const node_handlers& handlers) {
  auto self = std::filesystem::read_symlink("/proc/self/exe");
  std::vector<std::string> out{self,
                               "bench",
                               "node",
                               "--handler-threads",
                               std::to_string(handlers.threads),
                               "--handler-prefetch",
                               std::to_string(handlers.prefetch)};
  for (const auto& key : config_keys())
    if (auto given = settings.find(std::string{key.path}); given != settings.end())
      out.push_back(fmt::format("{}={}", flag_name(key), given->second));
  return out;
}

} // namespace

// -- the database --------------------------------------------------------------------

const std::vector<std::pair<std::string, std::string>>& database_under_test::settings() {
  static const std::vector<std::pair<std::string, std::string>> all{
    {"fsync", "on"},
    {"synchronous_commit", "on"},
    {"shared_buffers", "512MB"},
    {"max_wal_size", "8GB"},         // no checkpoint that the amount of WAL forces
    {"checkpoint_timeout", "30min"}, // nor the clock
  };
  return all;
}

expected<database_under_test> database_under_test::start(const std::string& url, const std::filesystem::path& scratch) {
  database_under_test made;
  made.url_ = url;
  if (url.empty()) {
    auto home = scratch_directory::make(scratch);
    if (!home)
      return home.error();
    embedded_postgres_config config;
    config.data_dir = home->path();
    config.settings = settings();
    config.ephemeral = true;
    auto own = embedded_postgres::start(std::move(config));
    if (!own)
      return own.error();
    made.home_.emplace(std::move(*home));
    made.own_ = std::move(*own);
    made.url_ = made.own_->dsn();
  }
  auto facts = server_facts::open(made.url_);
  if (!facts)
    return facts.error();
  made.facts_.emplace(std::move(*facts));
  made.postmaster_ = made.own_ ? made.own_->pid() : find_postmaster(*made.facts_);
  return made;
}

expected<std::string> database_under_test::prepare() {
  if (!own_)
    return url_;
  return make_bench_database(url_);
}

std::optional<std::int64_t> database_under_test::cpu_us() const {
  return postmaster_ > 0 ? cpu_us_of_tree(postmaster_) : std::nullopt;
}

// -- the node ------------------------------------------------------------------------

expected<node_under_test> node_under_test::start(const std::string& database_url,
                                                 const std::map<std::string, std::string>& settings,
                                                 const node_handlers& handlers, const std::filesystem::path& scratch) {
  if (auto migrated = migrate(database_url); !migrated)
    return migrated.error();
  auto all = with_defaults(settings);
  all["database.url"] = database_url;
  auto process = helper_process::start(make_arguments(all, handlers), scratch, node_patience);
  if (!process)
    return process.error();
  auto endpoint = endpoint_of(process->said());
  if (!endpoint)
    return endpoint.error();
  return node_under_test{std::move(*process), *endpoint};
}

} // namespace geartrain::bench
