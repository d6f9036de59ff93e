#include "db/yardsticks/yardstick_run.hpp"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <thread>

namespace geartrain {

// -- the schema ------------------------------------------------------------------

namespace {

constexpr auto claim_schema_sql = "SELECT pg_try_advisory_lock(1195725396, 9)";

constexpr auto leave_schema_sql = "SELECT pg_advisory_unlock(1195725396, 9)";

constexpr auto make_schema_sql = "DROP SCHEMA IF EXISTS geartrain_yardstick CASCADE; CREATE SCHEMA geartrain_yardstick";

constexpr auto drop_schema_sql = "DROP SCHEMA IF EXISTS geartrain_yardstick CASCADE";

constexpr auto wal_position_sql = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";

} // namespace

expected<std::unique_ptr<yardstick_schema>> yardstick_schema::make(const std::string& dsn) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  auto claimed = (*session)->run(claim_schema_sql);
  if (!claimed)
    return claimed.error();
  if (!(*claimed)->boolean(0, 0))
    return failure{errc::conflict, "another run of the yardsticks uses this database"};
  if (auto made = (*session)->run_script(make_schema_sql); !made)
    return made.error();
  return std::unique_ptr<yardstick_schema>{new yardstick_schema(std::move(*session))};
}

yardstick_schema::~yardstick_schema() {
  session_->run_script(drop_schema_sql);
  session_->run(leave_schema_sql); // a server process ends some time after its connection: the next run may come sooner
}

// -- the meter -------------------------------------------------------------------

void yardstick_meter::count(int steps, int statements) {
  steps_.fetch_add(static_cast<std::uint64_t>(steps), std::memory_order_relaxed);
  statements_.fetch_add(static_cast<std::uint64_t>(statements), std::memory_order_relaxed);
}

void yardstick_meter::waited_since(clock::time_point begin) {
  auto wait = std::chrono::duration<float, std::milli>(clock::now() - begin).count();
  std::lock_guard guard{mutex_};
  waits_ms_.push_back(wait);
}

void yardstick_meter::restart_waits() {
  std::lock_guard guard{mutex_};
  waits_ms_.clear();
}

double yardstick_meter::median_wait_ms() {
  std::lock_guard guard{mutex_};
  if (waits_ms_.empty())
    return 0;
  auto middle = waits_ms_.begin() + static_cast<std::ptrdiff_t>(waits_ms_.size() / 2);
  std::nth_element(waits_ms_.begin(), middle, waits_ms_.end());
  return static_cast<double>(*middle);
}

// -- a run -----------------------------------------------------------------------

namespace {

using clock = yardstick_meter::clock;

/// The threads of a run, and what ends it: the time, or the first failure.
class ensemble {
public:
  explicit ensemble(yardstick_meter& meter) : meter_(meter) {}

  ~ensemble() { stop(); }

  void add(std::unique_ptr<yardstick_player> player) { players_.push_back(std::move(player)); }

  void start() {
    for (auto& player : players_)
      threads_.emplace_back([this, &player] { play_on(*player); });
  }

  /// Lets the threads play; false as soon as one has failed.
  bool wait(std::chrono::duration<double> time) {
    std::unique_lock lock{mutex_};
    return !failed_.wait_for(lock, time, [this] { return trouble_.has_value(); });
  }

  /// Waits for the rounds that are being played.
  void stop() {
    stopping_ = true;
    for (auto& thread : threads_)
      thread.join();
    threads_.clear();
  }

  const std::optional<failure>& trouble() const { return trouble_; }

private:
  void play_on(yardstick_player& player) {
    while (!stopping_) {
      auto played = player.play(meter_);
      if (played)
        continue;
      std::lock_guard guard{mutex_};
      if (!trouble_)
        trouble_ = played.error();
      failed_.notify_all();
      return;
    }
  }

  yardstick_meter& meter_;
  std::vector<std::unique_ptr<yardstick_player>> players_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable failed_;
  std::optional<failure> trouble_;
};

/// Where all counters stand at one moment.
struct reading {
  clock::time_point at;
  std::uint64_t steps = 0;
  std::uint64_t statements = 0;
  std::uint64_t cpu_us = 0;
  std::int64_t wal_bytes = 0;
};

expected<reading> read_counters(blocking_session& session, const yardstick_meter& meter,
                                const yardstick_options& options) {
  auto wal = session.run(wal_position_sql);
  if (!wal)
    return wal.error();
  reading now;
  now.wal_bytes = (*wal)->int8(0, 0);
  now.cpu_us = options.server_cpu_us ? options.server_cpu_us() : 0;
  now.steps = meter.steps();
  now.statements = meter.statements();
  now.at = clock::now();
  return now;
}

yardstick_result difference(const reading& from, const reading& to) {
  yardstick_result result;
  result.steps = to.steps - from.steps;
  auto steps = static_cast<double>(std::max<std::uint64_t>(result.steps, 1));
  result.steps_per_second = static_cast<double>(result.steps) / std::chrono::duration<double>(to.at - from.at).count();
  result.statements_per_step = static_cast<double>(to.statements - from.statements) / steps;
  result.server_cpu_us_per_step = static_cast<double>(to.cpu_us - from.cpu_us) / steps;
  result.wal_bytes_per_step = static_cast<double>(to.wal_bytes - from.wal_bytes) / steps;
  return result;
}

} // namespace

expected<yardstick_result> run_yardstick(const std::string& dsn, const yardstick_options& options, int connections,
                                         const make_player& make, yardstick_meter& meter) {
  auto observer = blocking_session::open(dsn);
  if (!observer)
    return observer.error();
  ensemble players{meter};
  for (int i = 0; i < connections; ++i) {
    auto player = make(dsn);
    if (!player)
      return player.error();
    players.add(std::move(*player));
  }
  players.start();
  players.wait(std::chrono::duration<double>{options.seconds / 10});
  meter.restart_waits();
  auto begin = read_counters(**observer, meter, options);
  if (!begin)
    return begin.error();
  players.wait(std::chrono::duration<double>{options.seconds});
  auto end = read_counters(**observer, meter, options);
  if (!end)
    return end.error();
  auto median = meter.median_wait_ms();
  players.stop();
  if (players.trouble())
    return *players.trouble();
  auto result = difference(*begin, *end);
  result.commit_latency_p50_ms = median;
  result.connections = connections;
  result.trials = {{connections, result.steps_per_second}};
  return result;
}

std::string yardstick_json(int bytes) {
  constexpr int frame = 6;
  return R"({"n":)" + std::string(static_cast<std::size_t>(std::max(1, bytes - frame)), '7') + "}";
}

expected<bool> check_yardstick_options(const yardstick_options& options) {
  if (!(options.seconds > 0) || options.connections < 1 || options.connections > 64 || options.batch < 1 ||
      options.batch > 10000 || options.context_bytes < 1 || options.result_bytes < 1)
    return failure{errc::invalid, "yardsticks: seconds, connections, batch or sizes out of range"};
  return true;
}

} // namespace geartrain
