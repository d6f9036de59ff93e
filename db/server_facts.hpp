#pragma once

#include "messages/expected.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace geartrain {

class blocking_session;

/// Figures of a PostgreSQL server, read over a connection of its own. Every call blocks. Not thread-safe.
class server_facts {
public:
  /// Errors: unavailable.
  static expected<server_facts> open(const std::string& dsn);

  server_facts(server_facts&&) noexcept;
  server_facts& operator=(server_facts&&) noexcept;
  ~server_facts();

  /// Such as "15.14 (Debian 15.14-0+deb12u1)".
  expected<std::string> version();

  /// Bytes of WAL that the whole server has ever written.
  expected<std::int64_t> wal_bytes();

  /// Process id of the connection's backend, as the server's machine counts them.
  expected<pid_t> backend_pid();

private:
  explicit server_facts(std::unique_ptr<blocking_session> session);
  std::unique_ptr<blocking_session> session_;
};

/// Makes an empty database for one measurement, in place of the last one, and writes a checkpoint so that none is due.
/// The answer is its connection string. `dsn` must belong to a superuser of a server of our own. Blocking. Errors:
/// storage, unavailable.
expected<std::string> make_bench_database(const std::string& dsn);

} // namespace geartrain
