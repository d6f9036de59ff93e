#include "db/connection.hpp"

#include <libpq-fe.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <random>

namespace geartrain {

namespace {

constexpr milliseconds connect_within{5000};

/// Half of the pause, and a random part of the other half: nodes that lost the same server don't come back at once.
milliseconds jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return pause / 2 + milliseconds{std::uniform_int_distribution<std::int64_t>{0, pause.count() / 2}(random)};
}

sql_error error_of(const PGresult* raw) {
  auto* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
  auto* message = PQresultErrorField(raw, PG_DIAG_MESSAGE_PRIMARY);
  auto* detail = PQresultErrorField(raw, PG_DIAG_MESSAGE_DETAIL);
  sql_error error{state ? state : "", message ? message : PQresultErrorMessage(raw)};
  if (detail)
    error.message += std::string{" ("} + detail + ")";
  return error;
}

/// What the server remarks beside its answers; libpq would print it.
void note(void*, const PGresult* remark) {
  spdlog::debug("the database remarks: {}", PQresultErrorMessage(remark));
}

bool submit(PGconn* raw, const statement_call& call) {
  auto& values = call.values.values();
  std::vector<const char*> texts;
  std::vector<int> lengths;
  std::vector<int> formats(values.size(), 1);
  for (auto& value : values) {
    texts.push_back(value ? value->data() : nullptr);
    lengths.push_back(value ? static_cast<int>(value->size()) : 0);
  }
  auto& prepared = statement_of(call.statement);
  return PQsendQueryPrepared(raw, prepared.name.c_str(), static_cast<int>(values.size()), texts.data(), lengths.data(),
                             formats.data(), 1) == 1;
}

bool submit_prepare(PGconn* raw, const statement& s) {
  std::vector<Oid> types;
  for (auto type : s.types)
    types.push_back(static_cast<Oid>(type));
  return PQsendPrepare(raw, s.name.c_str(), s.sql.c_str(), static_cast<int>(types.size()), types.data()) == 1;
}

} // namespace

connection::connection(std::string dsn, timing times, db_metrics& metrics)
  : dsn_(std::move(dsn)), times_(times), metrics_(metrics), pause_(times.reconnect_min) {}

connection::~connection() {
  close();
}

std::optional<db_clock::time_point> connection::silent_until() const {
  if (state_ == status::connecting)
    return connect_until_;
  if (flights_.empty())
    return std::nullopt;
  return flights_.front().sent + times_.answer_within;
}

int connection::socket() const {
  return raw_ ? PQsocket(raw_) : -1;
}

std::uint32_t connection::interest() const {
  if (state_ == status::connecting)
    return wants_write_ ? EPOLLOUT : EPOLLIN;
  return wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

void connection::start(db_clock::time_point now) {
  if (state_ != status::down)
    return;
  // What stands after dbname wins over it: text goes to the server as UTF-8 whatever the environment says.
  std::array<const char*, 4> keys{"dbname", "fallback_application_name", "client_encoding", nullptr};
  std::array<const char*, 4> values{dsn_.c_str(), "geartrain", "UTF8", nullptr};
  raw_ = PQconnectStartParams(keys.data(), values.data(), 1);
  state_ = status::connecting;
  wants_write_ = true; // so libpq asks for it before the first PQconnectPoll
  connect_until_ = now + connect_within;
  if (!raw_ || PQstatus(raw_) == CONNECTION_BAD)
    drop({errc::unavailable, last_error()}, now);
}

void connection::on_ready(db_clock::time_point now) {
  if (state_ == status::connecting)
    advance_connecting(now);
  else if (state_ != status::down)
    read(now);
}

void connection::advance_connecting(db_clock::time_point now) {
  switch (PQconnectPoll(raw_)) {
    case PGRES_POLLING_READING:
      wants_write_ = false;
      return;
    case PGRES_POLLING_WRITING:
      wants_write_ = true;
      return;
    case PGRES_POLLING_OK:
      wants_write_ = false;
      if (!prepare(now))
        drop({errc::unavailable, last_error()}, now);
      return;
    default:
      drop({errc::unavailable, last_error()}, now);
  }
}

bool connection::prepare(db_clock::time_point now) {
  PQsetNoticeReceiver(raw_, note, nullptr);
  if (PQsetnonblocking(raw_, 1) != 0 || PQenterPipelineMode(raw_) != 1)
    return false;
  state_ = status::preparing;
  if (PQsendQueryParams(raw_, advise_planner_sql, 0, nullptr, nullptr, nullptr, nullptr, 1) != 1)
    return false;
  for (auto& s : statements())
    if (!submit_prepare(raw_, s))
      return false;
  if (PQpipelineSync(raw_) != 1)
    return false;
  flights_.push_back({nullptr, {}, {}, now});
  flush(now);
  return true;
}

void connection::send(std::unique_ptr<batch> load, db_clock::time_point now) {
  auto calls = load->encode();
  auto& counters = metrics_.of(load->operation());
  counters.round_trips.fetch_add(1, std::memory_order_relaxed);
  counters.statements.fetch_add(calls.size(), std::memory_order_relaxed);
  flights_.push_back({std::move(load), {}, {}, now});
  auto ok = std::all_of(calls.begin(), calls.end(), [&](auto& call) { return submit(raw_, call); });
  if (!ok || PQpipelineSync(raw_) != 1)
    drop({errc::unavailable, last_error()}, now);
}

void connection::flush(db_clock::time_point now) {
  if (state_ != status::preparing && state_ != status::ready)
    return;
  auto left = PQflush(raw_);
  wants_write_ = left == 1;
  if (left < 0)
    drop({errc::unavailable, last_error()}, now);
}

void connection::read(db_clock::time_point now) {
  if (PQconsumeInput(raw_) != 1)
    return drop({errc::unavailable, last_error()}, now);
  // A null result ends the results of one statement. Two in a row can't happen while an answer is awaited and input is
  // there.
  while (state_ != status::down && !flights_.empty() && PQisBusy(raw_) == 0) {
    if (auto* raw = PQgetResult(raw_))
      take_result(raw, now);
    else if (PQstatus(raw_) == CONNECTION_BAD)
      return drop({errc::unavailable, last_error()}, now);
  }
  if (state_ != status::down && PQstatus(raw_) == CONNECTION_BAD)
    drop({errc::unavailable, last_error()}, now);
  else
    flush(now);
}

void connection::take_result(void* untyped, db_clock::time_point now) {
  auto* raw = static_cast<PGresult*>(untyped);
  row_set rows{raw};
  auto& current = flights_.front();
  switch (PQresultStatus(raw)) {
    case PGRES_PIPELINE_SYNC:
      return land(now);
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
      current.rows.push_back(std::move(rows));
      return;
    case PGRES_PIPELINE_ABORTED: // a consequence of the first error
      return;
    default:
      if (!current.error)
        current.error = error_of(raw);
  }
}

void connection::land(db_clock::time_point now) {
  auto done = std::move(flights_.front());
  flights_.pop_front();
  if (!done.load) {
    if (done.error)
      return drop({errc::unavailable, "can't prepare: " + done.error->message}, now);
    state_ = status::ready;
    pause_ = times_.reconnect_min;
    metrics_.connects.fetch_add(1, std::memory_order_relaxed);
    metrics_.connections_up.fetch_add(1, std::memory_order_relaxed);
    if (was_ready_before_)
      metrics_.reconnects.fetch_add(1, std::memory_order_relaxed);
    if (was_ready_before_ || complained_)
      spdlog::info("connected to the database");
    was_ready_before_ = true;
    complained_ = false;
    return;
  }
  auto spent = std::chrono::duration_cast<std::chrono::microseconds>(now - done.sent);
  metrics_.of(done.load->operation()).execution_us.observe(spent.count());
  if (!done.error)
    return done.load->complete(std::move(done.rows));
  if (judge(*done.error) == sql_verdict::new_session) {
    done.load->put_back();
    return drop({errc::unavailable, "the session was reset"}, now);
  }
  spdlog::debug("database operation={} units={} refused: {} {}", to_string(done.load->operation()), done.load->size(),
                done.error->state, done.error->message);
  done.load->refuse(*done.error);
}

void connection::drop(const failure& why, db_clock::time_point now) {
  if (state_ == status::ready) {
    metrics_.lost.fetch_add(1, std::memory_order_relaxed);
    spdlog::warn("lost a connection to the database with {} batches in flight: {}", flights_.size(), why.message);
  } else if (state_ != status::down && !std::exchange(complained_, true)) {
    spdlog::warn("can't connect to the database, trying on: {}", why.message);
  }
  retry_at_ = now + jittered(pause_);
  pause_ = std::min(pause_ * 2, times_.reconnect_max);
  stop(why);
}

void connection::stop(const failure& why) {
  close();
  for (auto& lost : std::exchange(flights_, {}))
    if (lost.load)
      lost.load->abandon(why);
}

void connection::close() {
  if (state_ == status::ready)
    metrics_.connections_up.fetch_sub(1, std::memory_order_relaxed);
  if (raw_)
    PQfinish(raw_);
  raw_ = nullptr;
  state_ = status::down;
  wants_write_ = false;
}

/// libpq's words on one line.
std::string connection::last_error() const {
  std::string text = raw_ ? PQerrorMessage(raw_) : "out of memory";
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::erase(text, '\t');
  return text;
}

} // namespace geartrain
