#include "db/migrate.hpp"

#include "db/blocking_session.hpp"
#include "db/migrations.hpp"
#include "db/statements.hpp"

#include <algorithm>

// Each migration runs in a transaction of its own, under one advisory lock that belongs to the transaction (a pooler in
// transaction mode keeps no session). Inside the lock the version is read again: a node that waited finds the work
// done, or goes on where the other one stopped.

namespace geartrain {

namespace {

constexpr const char* undefined_table = "42P01"; // SQLSTATE

struct step_result {
  int before = 0;
  int after = 0;
};

/// Applies the next migration that is missing, if any. Leaves the transaction open on failure.
expected<step_result> apply_next(blocking_session& session) {
  for (auto* sql : {blocking_sql::begin, blocking_sql::limit_lock_waits, blocking_sql::lock_schema})
    if (auto done = session.run(sql); !done)
      return done.error();
  if (auto done = session.run_script(blocking_sql::make_version_table); !done)
    return done.error();
  auto version = session.run(blocking_sql::read_version);
  if (!version)
    return version.error();
  step_result result;
  result.before = result.after = (*version)->int4(0, 0);
  for (auto& next : migrations()) {
    if (next.version != result.before + 1)
      continue;
    if (auto done = session.run_script(next.sql); !done)
      return failure{done.error().code, std::string{"migration "} + next.name + ": " + done.error().message};
    auto noted =
      session.run(blocking_sql::note_version, parameters{}.add(std::int32_t{next.version}).add(std::string{next.name}));
    if (!noted)
      return noted.error();
    result.after = next.version;
  }
  if (auto done = session.run(blocking_sql::commit); !done)
    return done.error();
  return result;
}

expected<int> make_partitions(blocking_session& session) {
  auto made = session.run(blocking_sql::ensure_partitions);
  if (!made)
    return made.error();
  return (*made)->int4(0, 0);
}

} // namespace

expected<migration_report> migrate(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  migration_report report;
  for (bool first = true;; first = false) {
    auto step = apply_next(**session);
    if (!step)
      return step.error(); // the connection goes away, and the transaction with it
    if (first)
      report.from = step->before;
    report.to = step->after;
    if (step->after == step->before)
      break;
  }
  if (auto made = make_partitions(**session); !made)
    return made.error();
  return report;
}

expected<schema_versions> read_schema_versions(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  schema_versions versions;
  for (auto& each : migrations())
    versions.program = std::max(versions.program, each.version);
  auto rows = (*session)->run(blocking_sql::read_version);
  if (rows)
    versions.database = (*rows)->int4(0, 0);
  else if (!rows.error().message.starts_with(undefined_table))
    return rows.error();
  return versions;
}

expected<int> ensure_partitions(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  return make_partitions(**session);
}

expected<std::string> load_token_secret(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  auto rows = (*session)->run(blocking_sql::read_token_secret);
  if (!rows)
    return rows.error();
  if ((*rows)->size() != 1)
    return failure{errc::storage, "the database has no token secret: run the migration"};
  return std::string{(*rows)->text(0, 0)};
}

} // namespace geartrain
