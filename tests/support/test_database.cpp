#include "tests/support/test_database.hpp"

#include "db/migrate.hpp"
#include "runtime/postgres_files.hpp"

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace geartrain::test {

namespace fs = std::filesystem;

namespace {

constexpr auto migrated_template = "geartrain_migrated";

fs::path make_temporary_directory() {
  const char* base = std::getenv("TMPDIR");
  auto pattern = std::string{base && *base ? base : "/tmp"} + "/geartrain-test-XXXXXX";
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("can't make a directory " + pattern);
  return pattern;
}

bool has_statement_counter() {
  auto bin = find_postgres_binaries({});
  return bin && fs::exists(bin->parent_path() / "lib" / "pg_stat_statements.so");
}

std::vector<test_database::row> run(const std::string& dsn, const std::string& sql,
                                    const std::vector<std::string>& parameters) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection{PQconnectdb(dsn.c_str()), PQfinish};
  std::vector<const char*> values;
  for (auto& p : parameters)
    values.push_back(p.c_str());
  std::unique_ptr<PGresult, decltype(&PQclear)> result{PQexecParams(connection.get(), sql.c_str(),
                                                                    static_cast<int>(values.size()), nullptr,
                                                                    values.data(), nullptr, nullptr, 0),
                                                       PQclear};
  auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  std::vector<test_database::row> rows;
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    auto& row = rows.emplace_back();
    for (int k = 0; k < PQnfields(result.get()); ++k)
      row.emplace_back(PQgetisnull(result.get(), i, k) ? "NULL" : PQgetvalue(result.get(), i, k));
  }
  return rows;
}

std::string dsn_of_database(const std::string& name) {
  return test_database::server().dsn() + " dbname=" + name;
}

std::unique_ptr<embedded_postgres> start_server() {
  embedded_postgres_config config;
  config.data_dir = make_temporary_directory();
  config.ephemeral = true;
  config.settings = {{"max_connections", "100"}};
  if (has_statement_counter())
    config.settings.emplace_back("shared_preload_libraries", "pg_stat_statements");
  auto server = embedded_postgres::start(std::move(config));
  if (!server)
    throw std::runtime_error("no PostgreSQL for the tests: " + server.error().message);
  return std::move(*server);
}

void make_template_once() {
  static const bool done = [] {
    run(test_database::server().dsn(), std::string{"CREATE DATABASE "} + migrated_template, {});
    if (auto migrated = migrate(dsn_of_database(migrated_template)); !migrated)
      throw std::runtime_error("the migration failed: " + migrated.error().message);
    return true;
  }();
  (void)done;
}

} // namespace

test_database::test_database(content with) {
  static int count = 0;
  name_ = "test_" + std::to_string(++count);
  std::string source;
  if (with == content::migrated) {
    make_template_once();
    source = std::string{" TEMPLATE "} + migrated_template;
  }
  run(server().dsn(), "CREATE DATABASE " + name_ + source, {});
  dsn_ = dsn_of_database(name_);
}

test_database::~test_database() {
  try {
    run(server().dsn(), "DROP DATABASE " + name_ + " WITH (FORCE)", {});
  } catch (const std::runtime_error&) {
    return; // the whole server goes away soon
  }
}

std::vector<test_database::row> test_database::query(const std::string& sql,
                                                     const std::vector<std::string>& parameters) const {
  return run(dsn_, sql, parameters);
}

std::string test_database::value(const std::string& sql, const std::vector<std::string>& parameters) const {
  auto rows = query(sql, parameters);
  if (rows.size() != 1 || rows[0].size() != 1)
    throw std::runtime_error("not one value: " + sql);
  return rows[0][0];
}

long long test_database::number(const std::string& sql, const std::vector<std::string>& parameters) const {
  return std::stoll(value(sql, parameters));
}

embedded_postgres& test_database::server() {
  static auto shared = start_server();
  return *shared;
}

bool test_database::counts_statements() {
  static const bool yes = has_statement_counter();
  return yes;
}

temporary_directory::temporary_directory() : path_(make_temporary_directory()) {
  fs::permissions(path_,
                  fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec); // the server's user passes
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

} // namespace geartrain::test
