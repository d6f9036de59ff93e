#pragma once

#include "db/pg_result.hpp"
#include "db/pg_values.hpp"
#include "messages/expected.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn; // libpq's PGconn

namespace geartrain {

/// True if the server behind `dsn` accepts connections. Blocking; thread-safe.
bool server_answers(const std::string& dsn);

/// A plain connection for what happens once, before there are actors. Every call blocks. Not thread-safe.
class blocking_session {
public:
  /// Errors: unavailable.
  static expected<std::unique_ptr<blocking_session>> open(const std::string& dsn);

  ~blocking_session();
  blocking_session(const blocking_session&) = delete;
  blocking_session& operator=(const blocking_session&) = delete;

  /// Runs one statement with bound parameters; rows in binary. Errors: storage (the message begins with the SQLSTATE),
  /// unavailable if the connection broke.
  expected<std::shared_ptr<row_set>> run(const char* sql, const parameters& values = {});

  /// Prepares a statement under a name that is new in this session.
  expected<std::shared_ptr<row_set>> prepare(const char* name, const char* sql);

  /// Runs a prepared statement; `values` as parameters::values() gives them, rows in binary.
  expected<std::shared_ptr<row_set>> run_prepared(const char* name,
                                                  const std::vector<std::optional<std::string>>& values);

  /// Runs a text of several statements without parameters.
  expected<std::shared_ptr<row_set>> run_script(const char* sql);

  /// Waits until a notification arrives that the session listens to (true) or `wake_fd` is readable (false). Errors:
  /// unavailable.
  expected<bool> wait_for_notification(int wake_fd);

private:
  explicit blocking_session(pg_conn* raw) : raw_(raw) {}
  expected<std::shared_ptr<row_set>> finish(void* raw_result);

  pg_conn* raw_;
};

} // namespace geartrain
