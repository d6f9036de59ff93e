#pragma once

#include "db/blocking_session.hpp"
#include "db/yardsticks/yardsticks.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

namespace geartrain {

/// The schema of the yardsticks, from its creation to the end of the object. Blocking; not thread-safe.
class yardstick_schema {
public:
  /// Makes the schema, in place of one that a killed run left behind. Errors: conflict (another run has it), unavailable,
  /// storage.
  static expected<std::unique_ptr<yardstick_schema>> make(const std::string& dsn);

  ~yardstick_schema();
  yardstick_schema(const yardstick_schema&) = delete;
  yardstick_schema& operator=(const yardstick_schema&) = delete;

  /// A connection to look at the tables with.
  blocking_session& session() { return *session_; }

private:
  explicit yardstick_schema(std::unique_ptr<blocking_session> session) : session_(std::move(session)) {}

  std::unique_ptr<blocking_session> session_;
};

/// What all connections of a run have done. Thread-safe.
class yardstick_meter {
public:
  using clock = std::chrono::steady_clock;

  /// `steps` results are durable, and `statements` statements brought them.
  void count(int steps, int statements);

  /// A wait for a commit that ends now.
  void waited_since(clock::time_point begin);

  std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  std::uint64_t statements() const { return statements_.load(std::memory_order_relaxed); }

  /// Forgets the waits so far.
  void restart_waits();

  double median_wait_ms();

private:
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> statements_{0};
  std::mutex mutex_;
  std::vector<float> waits_ms_;
};

/// What one connection of a run does; each is used by one thread.
class yardstick_player {
public:
  virtual ~yardstick_player() = default;

  /// One round: a batch of tasks, or one task, from its creation to its end.
  virtual expected<bool> play(yardstick_meter& meter) = 0;
};

using make_player = std::function<expected<std::unique_ptr<yardstick_player>>(const std::string& dsn)>;

/// Plays on so many connections for the warm-up and then for `options.seconds`; figures of the measured time. `meter`
/// counts the warm-up too. Blocking. Errors: the first of any player, or of the server.
expected<yardstick_result> run_yardstick(const std::string& dsn, const yardstick_options& options, int connections,
                                         const make_player& make, yardstick_meter& meter);

/// A JSON object of so many bytes, at least 7.
std::string yardstick_json(int bytes);

/// Errors: invalid.
expected<bool> check_yardstick_options(const yardstick_options& options);

} // namespace geartrain
