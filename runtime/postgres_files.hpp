#pragma once

#include "messages/expected.hpp"
#include "runtime/child_process.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

// Where the parts of an embedded server are, and who owns them. Blocking file system work; thread-safe.

namespace geartrain {

/// Directory of `postgres` and `initdb`: of the given major version (empty: the newest) under /usr/lib/postgresql, else
/// whatever PATH offers. Errors: invalid.
expected<std::filesystem::path> find_postgres_binaries(const std::string& major_version);

/// The user to run the server as when we are root, who may not: `postgres`, else `nobody`. Absent if we are not root.
/// Errors: invalid.
expected<std::optional<run_as>> find_server_user();

/// A data directory: <root>/lock, <root>/pg (the cluster), <root>/run (the socket), logs.
struct postgres_layout {
  std::filesystem::path root;
  std::filesystem::path cluster;
  std::filesystem::path fresh_cluster; ///< where initdb works; renamed when it is complete
  std::filesystem::path socket_dir;
  std::filesystem::path log;
  std::filesystem::path initdb_log;
};

/// Makes the directories that are missing and gives them to the server's user. The socket moves to a private directory
/// under TMPDIR if its path would be too long for a Unix socket. Errors: invalid.
expected<postgres_layout> lay_out(const std::filesystem::path& root, const std::optional<run_as>& user);

/// Ends every server process that an earlier owner left on this cluster and removes what would keep a new one from
/// starting. The caller must hold the directory's lock. Errors: unavailable.
expected<bool> stop_leftovers(const std::filesystem::path& cluster);

/// Process id in postmaster.pid; 0 if there is none.
pid_t read_postmaster_pid(const std::filesystem::path& cluster);

/// The last `most` characters of a text file.
std::string tail_of(const std::filesystem::path& file, std::size_t most);

} // namespace geartrain
