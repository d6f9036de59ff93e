#pragma once

#include "db/server_facts.hpp"
#include "messages/expected.hpp"
#include "runtime/bench/bench_node.hpp"
#include "runtime/bench/helper_process.hpp"
#include "runtime/embedded_postgres.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace geartrain::bench {

/// The PostgreSQL that measurements run on: one of our own, which goes away with this object, or the user's. Blocking;
/// not thread-safe.
class database_under_test {
public:
  /// `url` empty: a server of our own below `scratch` (empty: a default). Errors: as embedded_postgres::start().
  static expected<database_under_test> start(const std::string& url, const std::filesystem::path& scratch);

  /// Connection string of a database for one measurement: on a server of our own an empty one, else always the same.
  expected<std::string> prepare();

  /// CPU time of all processes of the server since it started; nothing if it runs elsewhere.
  std::optional<std::int64_t> cpu_us() const;

  server_facts& facts() { return *facts_; }
  bool is_own() const { return own_ != nullptr; }

  /// What was set on a server of our own; everything else is as PostgreSQL has it.
  static const std::vector<std::pair<std::string, std::string>>& settings();

private:
  database_under_test() = default;

  std::optional<scratch_directory> home_;
  std::unique_ptr<embedded_postgres> own_; // before its directory goes away
  std::optional<server_facts> facts_;      // before the server goes away
  std::string url_;
  pid_t postmaster_ = 0; ///< 0: elsewhere
};

/// A node in a process of its own.
class node_under_test {
public:
  /// `settings`: by key path; what is not in there has its default, but for what make_arguments() names.
  /// Brings the schema up to date first. Errors: as migrate() and helper_process::start().
  static expected<node_under_test> start(const std::string& database_url,
                                         const std::map<std::string, std::string>& settings,
                                         const node_handlers& handlers, const std::filesystem::path& scratch);

  const std::string& url() const { return process_.said(); }
  const boost::asio::ip::tcp::endpoint& endpoint() const { return endpoint_; }
  pid_t pid() const { return process_.pid(); }
  std::string log_tail() const { return process_.log_tail(); }

private:
  node_under_test(helper_process process, boost::asio::ip::tcp::endpoint endpoint)
    : process_(std::move(process)), endpoint_(std::move(endpoint)) {}

  helper_process process_;
  boost::asio::ip::tcp::endpoint endpoint_;
};

} // namespace geartrain::bench
