#pragma once

#include "messages/expected.hpp"
#include "messages/time.hpp"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace geartrain {

struct embedded_postgres_config {
  std::filesystem::path data_dir; ///< private to the server; made if it is missing
  std::filesystem::path bin_dir;  ///< where `postgres` and `initdb` are; empty: the distribution's newest, else PATH
  std::vector<std::pair<std::string, std::string>> settings; ///< server settings on top of ours
  milliseconds start_timeout{60000};                         ///< until the server answers, crash recovery included
  bool ephemeral = false; ///< the data directory goes away with the server, even if this process is killed
};

/// How a server ends: `fast` rolls open transactions back and writes a checkpoint, `immediate` is a crash.
enum class postgres_stop : char { fast = 'f', immediate = 'i' };

/// A PostgreSQL server of our own, made from the distribution's binaries: private data directory, Unix socket only,
/// never run as root (as root it runs as `postgres` or `nobody`, which then owns the data directory).
///
/// A guardian process stops the server when this process ends, however it ends. Should both be killed, the next start
/// on the same data directory stops what was left behind and recovers. One owner at a time: the directory is locked.
/// Not thread-safe.
class embedded_postgres {
public:
  /// Blocks until the server answers. Errors: invalid (no binaries, a directory that the server can't use), conflict
  /// (another process has the directory), unavailable (the server does not start; the message ends with its log).
  static expected<std::unique_ptr<embedded_postgres>> start(embedded_postgres_config config);

  ~embedded_postgres();
  embedded_postgres(const embedded_postgres&) = delete;
  embedded_postgres& operator=(const embedded_postgres&) = delete;

  /// libpq connection string of a superuser; the same after each restart on the same directory.
  std::string dsn() const;

  /// Process id of the postmaster.
  pid_t pid() const;

  /// Stops the server and starts it again: a crash and its recovery, or an orderly restart. Errors: as start().
  expected<bool> restart(postgres_stop how);

  /// Ends the server and waits for it. Idempotent; part of the destructor.
  void stop(postgres_stop how = postgres_stop::fast);

private:
  struct parts;
  explicit embedded_postgres(std::unique_ptr<parts> p);
  expected<bool> launch();

  std::unique_ptr<parts> parts_;
};

} // namespace geartrain
