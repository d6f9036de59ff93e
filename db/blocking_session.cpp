#include "db/blocking_session.hpp"

#include <libpq-fe.h>

#include <array>
#include <cerrno>
#include <poll.h>
#include <vector>

namespace geartrain {

namespace {

void ignore_notice(void*, const PGresult*) {}

/// Bound values as libpq wants them, all in binary; they point into what they were made from.
struct bound_values {
  explicit bound_values(const std::vector<std::optional<std::string>>& values) : formats(values.size(), 1) {
    for (auto& value : values) {
      texts.push_back(value ? value->data() : nullptr);
      lengths.push_back(value ? static_cast<int>(value->size()) : 0);
    }
  }

  int count() const { return static_cast<int>(texts.size()); }

  std::vector<const char*> texts;
  std::vector<int> lengths;
  std::vector<int> formats;
};

} // namespace

bool server_answers(const std::string& dsn) {
  return PQping(dsn.c_str()) == PQPING_OK;
}

expected<std::unique_ptr<blocking_session>> blocking_session::open(const std::string& dsn) {
  std::array<const char*, 5> keys{"connect_timeout", "dbname", "fallback_application_name", "client_encoding", nullptr};
  std::array<const char*, 5> values{"10", dsn.c_str(), "geartrain", "UTF8", nullptr};
  auto* raw = PQconnectdbParams(keys.data(), values.data(), 1);
  std::unique_ptr<blocking_session> session{new blocking_session(raw)};
  if (PQstatus(raw) != CONNECTION_OK)
    return failure{errc::unavailable, std::string{"can't connect to the database: "} + PQerrorMessage(raw)};
  PQsetNoticeReceiver(raw, ignore_notice, nullptr);
  return session;
}

blocking_session::~blocking_session() {
  PQfinish(raw_);
}

expected<std::shared_ptr<row_set>> blocking_session::run(const char* sql, const parameters& values) {
  bound_values bound{values.values()};
  return finish(
    PQexecParams(raw_, sql, bound.count(), nullptr, bound.texts.data(), bound.lengths.data(), bound.formats.data(), 1));
}

expected<std::shared_ptr<row_set>> blocking_session::prepare(const char* name, const char* sql) {
  return finish(PQprepare(raw_, name, sql, 0, nullptr));
}

expected<std::shared_ptr<row_set>> blocking_session::run_prepared(
  const char* name, const std::vector<std::optional<std::string>>& values) {
  bound_values bound{values};
  return finish(
    PQexecPrepared(raw_, name, bound.count(), bound.texts.data(), bound.lengths.data(), bound.formats.data(), 1));
}

expected<std::shared_ptr<row_set>> blocking_session::run_script(const char* sql) {
  return finish(PQexec(raw_, sql));
}

expected<std::shared_ptr<row_set>> blocking_session::finish(void* raw_result) {
  auto* raw = static_cast<PGresult*>(raw_result);
  auto rows = std::make_shared<row_set>(raw);
  auto status = PQresultStatus(raw);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
    return rows;
  if (PQstatus(raw_) != CONNECTION_OK)
    return failure{errc::unavailable, std::string{"lost the connection to the database: "} + PQerrorMessage(raw_)};
  auto* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
  auto* message = PQresultErrorField(raw, PG_DIAG_MESSAGE_PRIMARY);
  return failure{errc::storage, std::string{state ? state : "?????"} + ": " + (message ? message : "")};
}

expected<bool> blocking_session::wait_for_notification(int wake_fd) {
  for (;;) {
    bool notified = false;
    while (auto* notice = PQnotifies(raw_)) {
      notified = true; // a burst of them is one piece of news
      PQfreemem(notice);
    }
    if (notified)
      return true;
    std::array<pollfd, 2> waiting{{{PQsocket(raw_), POLLIN, 0}, {wake_fd, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR)
      return failure{errc::unavailable, "poll failed"};
    if (waiting[1].revents != 0)
      return false;
    if (PQconsumeInput(raw_) == 0)
      return failure{errc::unavailable, PQerrorMessage(raw_)};
  }
}

} // namespace geartrain
