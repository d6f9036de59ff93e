#pragma once

#include "messages/expected.hpp"

#include <string>

namespace geartrain {

/// Versions of the schema before and after.
struct migration_report {
  int from = 0; ///< 0: there was no schema
  int to = 0;
};

/// Brings the database up to the schema of this program and makes the partitions of this week and the next.
/// Blocking and idempotent; any number of nodes may call it at once. A database that is ahead is left as it is.
/// Errors: unavailable (no connection), storage (the server refused; nothing of that migration remains).
expected<migration_report> migrate(const std::string& dsn);

/// Versions of the schema: what the database has (0: none) and what this program needs.
struct schema_versions {
  int database = 0;
  int program = 0;
};

/// Changes nothing; blocking. Errors as migrate().
expected<schema_versions> read_schema_versions(const std::string& dsn);

/// Makes the partitions of this week and the next, if they are missing; gives the number made. Blocking, idempotent,
/// safe to call concurrently. The database actor repeats it while it runs.
expected<int> ensure_partitions(const std::string& dsn);

/// The secret that signs lease tokens: random, made by the migration, the same for every node of the database.
expected<std::string> load_token_secret(const std::string& dsn);

} // namespace geartrain
