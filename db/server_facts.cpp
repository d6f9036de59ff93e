#include "db/server_facts.hpp"

#include "db/blocking_session.hpp"
#include "db/statements.hpp"

namespace geartrain {

server_facts::server_facts(std::unique_ptr<blocking_session> session) : session_(std::move(session)) {}
server_facts::server_facts(server_facts&&) noexcept = default;
server_facts& server_facts::operator=(server_facts&&) noexcept = default;
server_facts::~server_facts() = default;

expected<server_facts> server_facts::open(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  return server_facts{std::move(*session)};
}

expected<std::string> server_facts::version() {
  auto rows = session_->run(blocking_sql::server_version);
  if (!rows)
    return rows.error();
  return std::string{(*rows)->text(0, 0)};
}

expected<std::int64_t> server_facts::wal_bytes() {
  auto rows = session_->run(blocking_sql::wal_position);
  if (!rows)
    return rows.error();
  return (*rows)->int8(0, 0);
}

expected<pid_t> server_facts::backend_pid() {
  auto rows = session_->run(blocking_sql::backend_pid);
  if (!rows)
    return rows.error();
  return static_cast<pid_t>((*rows)->int4(0, 0));
}

expected<std::string> make_bench_database(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  for (auto* sql : {blocking_sql::drop_bench_database, blocking_sql::create_bench_database, blocking_sql::checkpoint})
    if (auto done = (*session)->run(sql); !done)
      return done.error();
  return dsn + " dbname=geartrain_bench"; // of two names, libpq takes the last
}

} // namespace geartrain
