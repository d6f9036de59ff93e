#pragma once

#include "messages/expected.hpp"
#include "runtime/embedded_postgres.hpp"

#include <optional>
#include <string>
#include <vector>

namespace geartrain::test {

/// A fresh database for one test case, on a private PostgreSQL that all cases of the program share. The server starts
/// with the first database and goes away, files included, when the program ends, however it ends. Not thread-safe.
class test_database {
public:
  enum class content { migrated, empty };

  explicit test_database(content with = content::migrated);
  ~test_database();
  test_database(const test_database&) = delete;
  test_database& operator=(const test_database&) = delete;

  /// libpq connection string.
  const std::string& dsn() const { return dsn_; }

  using row = std::vector<std::string>; ///< as text, NULL as "NULL"

  /// Runs a statement on a connection of its own; throws std::runtime_error with the server's message.
  std::vector<row> query(const std::string& sql, const std::vector<std::string>& parameters = {}) const;

  /// The one field of the one row.
  std::string value(const std::string& sql, const std::vector<std::string>& parameters = {}) const;

  /// The same as a number.
  long long number(const std::string& sql, const std::vector<std::string>& parameters = {}) const;

  /// The shared server, to restart it.
  static embedded_postgres& server();

  /// True if the server counts statements (pg_stat_statements is installed and loaded).
  static bool counts_statements();

private:
  std::string name_;
  std::string dsn_;
};

/// A directory under TMPDIR that goes away with its contents.
class temporary_directory {
public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace geartrain::test
