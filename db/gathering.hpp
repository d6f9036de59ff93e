#pragma once

#include "db/batch.hpp"

#include <optional>
#include <set>

namespace geartrain {

/// What is on its way of operations that gather: of these one connection is at work at a time, however many there are, and
/// what comes meanwhile forms the next batches. Two halves cost more than one whole, for a statement and its commit cost the
/// server as much as 40 rows do. Not thread-safe.
///
/// A batch that takes several times as long as the server needs by itself waits for a disk, a lock or another server. It
/// holds back nothing more: the server can work on other batches meanwhile.
class gathering {
public:
  static constexpr std::chrono::microseconds patience_per_row{50};
  static constexpr milliseconds patience_per_batch{1};

  /// After this the oldest unit of an operation, and others with it, go with the next connection that is free.
  static constexpr milliseconds longest_hold{20};

  struct flight {
    std::size_t rows = 0;
    db_clock::time_point due; ///< with all that went before it
  };

  flight take_off(std::size_t rows, db_clock::time_point now) {
    rows_ += rows;
    flight one{rows, now + patience_per_batch + patience_per_row * rows_};
    due_.insert(one.due);
    return one;
  }

  void land(const flight& one) {
    rows_ -= one.rows;
    due_.erase(due_.find(one.due));
  }

  /// Until when a connection takes no part of a batch; nothing if no other is at work.
  std::optional<db_clock::time_point> busy_until(db_clock::time_point now) const {
    if (due_.empty() || *due_.rbegin() <= now)
      return std::nullopt;
    return *due_.rbegin();
  }

private:
  std::size_t rows_ = 0; // on their way
  std::multiset<db_clock::time_point> due_;
};

} // namespace geartrain
