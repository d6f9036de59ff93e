#pragma once

#include "db/metrics.hpp"
#include "db/operations.hpp"
#include "messages/expected.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace geartrain {

using db_clock = std::chrono::steady_clock;

/// The duty to answer a unit exactly once. Move-only; going away unanswered answers errc::dropped. Not thread-safe.
template <class T>
class answer_slot {
public:
  using callback = std::function<void(expected<T>)>;

  answer_slot() = default;
  explicit answer_slot(callback fn) : fn_(std::move(fn)) {}
  answer_slot(answer_slot&& other) noexcept : fn_(std::exchange(other.fn_, nullptr)) {}
  answer_slot& operator=(answer_slot&& other) noexcept {
    std::swap(fn_, other.fn_);
    return *this;
  }
  ~answer_slot() { (*this)(failure{errc::dropped, "the unit of work was dropped before it was answered"}); }

  void operator()(expected<T> answer) {
    if (auto fn = std::exchange(fn_, nullptr))
      fn(std::move(answer));
  }

private:
  callback fn_;
};

/// Units of one operation on their way to the server and back: what stands between two Syncs, and so one transaction
/// and one round trip. Exactly one of the four ends is called, once. Not thread-safe.
class batch {
public:
  virtual ~batch() = default;

  virtual db_operation operation() const = 0;
  virtual std::size_t size() const = 0; ///< units

  /// The statements, encoded now.
  virtual std::vector<statement_call> encode() = 0;

  // -- ends --------------------------------------------------------------------

  /// Everything was committed; one row set for each statement.
  virtual void complete(std::vector<row_set> rows) = 0;

  /// Everything was rolled back because of this error: waits for another try in halves, or as it is, or is answered.
  virtual void refuse(const sql_error& error) = 0;

  /// The connection was no good before anything ran: waits for another connection.
  virtual void put_back() = 0;

  /// No more tries: every unit gets this answer.
  virtual void abandon(const failure& why) = 0;
};

/// What an SQLSTATE says about trying again.
enum class sql_verdict {
  refused,     ///< one of the units is to blame
  again,       ///< a deadlock or a serialization failure: the same batch may pass now
  not_now,     ///< the server can't do it at present (resources, read-only, cancelled); no unit is to blame
  new_session, ///< what was prepared is gone: the connection must be made anew
};

sql_verdict judge(const sql_error& error);

} // namespace geartrain
