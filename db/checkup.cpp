#include "db/checkup.hpp"

#include "db/blocking_session.hpp"
#include "db/checkup_statements.hpp"

#include <chrono>

namespace geartrain {

expected<checkup_report> check_database(const std::string& dsn, const std::function<timestamp()>& now) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  checkup_report report;
  auto settings = (*session)->run(checkup_sql::settings);
  if (!settings)
    return settings.error();
  report.version_number = (*settings)->int4(0, 0);
  report.version = (*settings)->text(0, 1);
  report.fsync = (*settings)->boolean(0, 2);
  report.synchronous_commit = (*settings)->text(0, 3);

  // The server read its clock at some moment between the two.
  auto asked = now();
  auto time = (*session)->run(checkup_sql::server_time);
  auto answered = now();
  if (!time)
    return time.error();
  auto middle = asked + (answered - asked) / 2;
  report.clock_ahead = std::chrono::duration_cast<milliseconds>((*time)->time(0, 0) - middle);

  auto versions = read_schema_versions(dsn);
  if (!versions)
    return versions.error();
  report.schema = *versions;
  if (report.schema.database == 0)
    return report;
  auto missing = (*session)->run(checkup_sql::missing_partitions);
  if (!missing)
    return missing.error();
  report.missing_partitions = (*missing)->text(0, 0);
  return report;
}

} // namespace geartrain
