#pragma once

#include "db/batch.hpp"
#include "messages/time.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn; // libpq's PGconn

namespace geartrain {

/// One non-blocking libpq connection in pipeline mode, from the first connect to the last byte. It never blocks and
/// never waits: the owner polls socket() for interest() and calls on_ready(). Not thread-safe.
///
/// Life: down -> connecting -> preparing (the statements, in one round trip) -> ready; any trouble leads back to down,
/// and what was in flight is answered errc::unavailable. After trouble the owner calls start() again, at retry_at() or
/// later.
class connection {
public:
  enum class status { down, connecting, preparing, ready };

  /// Pauses between tries, and the longest wait for the server's answer.
  struct timing {
    milliseconds reconnect_min{50};
    milliseconds reconnect_max{2000};
    milliseconds answer_within{10000};
  };

  connection(std::string dsn, timing times, db_metrics& metrics);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  status state() const { return state_; }

  /// True if the connection can take work: it is ready and nothing is in flight.
  bool is_free() const { return state_ == status::ready && flights_.empty(); }

  /// True if anything is in flight.
  bool is_busy() const { return state_ == status::ready && !flights_.empty(); }

  db_clock::time_point retry_at() const { return retry_at_; }

  /// When the connection counts as lost if the server stays silent; only while something is awaited.
  std::optional<db_clock::time_point> silent_until() const;

  /// Descriptor to poll, -1 if there is none; it may change with every call of start() and on_ready().
  int socket() const;

  /// EPOLLIN and EPOLLOUT as wanted now.
  std::uint32_t interest() const;

  /// Begins to connect; does nothing unless down.
  void start(db_clock::time_point now);

  /// The socket is readable or writable.
  void on_ready(db_clock::time_point now);

  /// Takes a batch; flush() sends it. Only while is_free() held before the first batch of a flush.
  void send(std::unique_ptr<batch> load, db_clock::time_point now);

  /// Pushes out what send() took, as far as the socket allows.
  void flush(db_clock::time_point now);

  /// Gives the connection up after trouble: everything in flight gets `why`, and start() may be called at retry_at().
  void drop(const failure& why, db_clock::time_point now);

  /// Closes the connection on purpose: everything in flight gets `why`.
  void stop(const failure& why);

private:
  /// A batch whose answer is on its way.
  struct flight {
    std::unique_ptr<batch> load; // null: preparing
    std::vector<row_set> rows;
    std::optional<sql_error> error;
    db_clock::time_point sent;
  };

  void advance_connecting(db_clock::time_point now);
  bool prepare(db_clock::time_point now);
  void read(db_clock::time_point now);
  void take_result(void* raw, db_clock::time_point now);
  void land(db_clock::time_point now);
  void close();
  std::string last_error() const;

  const std::string dsn_;
  const timing times_;
  db_metrics& metrics_;
  pg_conn* raw_ = nullptr;
  status state_ = status::down;
  std::deque<flight> flights_;
  bool wants_write_ = false;
  bool was_ready_before_ = false;
  bool complained_ = false; // about not getting a connection, since it was last ready
  db_clock::time_point retry_at_{};
  db_clock::time_point connect_until_{};
  milliseconds pause_{0};
};

} // namespace geartrain
