#pragma once

#include "db/migrate.hpp"
#include "messages/expected.hpp"
#include "messages/time.hpp"

#include <functional>
#include <string>

namespace geartrain {

/// What a database is like, as far as nodes depend on it.
struct checkup_report {
  int version_number = 0; ///< 150014 for 15.14
  std::string version;    ///< such as "15.14 (Debian 15.14-0+deb12u1)"
  bool fsync = true;
  std::string synchronous_commit;
  milliseconds clock_ahead{}; ///< of the server, against ours; negative: behind
  schema_versions schema;
  std::string missing_partitions; ///< of this week and the next, with commas between; empty: none, or no schema
};

/// Looks, and changes nothing. `now` is our clock. Blocking; errors: unavailable, storage.
expected<checkup_report> check_database(const std::string& dsn, const std::function<timestamp()>& now);

} // namespace geartrain
