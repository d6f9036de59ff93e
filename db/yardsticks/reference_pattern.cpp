#include "db/yardsticks/reference_statements.hpp"
#include "db/yardsticks/yardstick_run.hpp"

#include <array>
#include <random>
#include <string>
#include <string_view>

namespace geartrain {

namespace {

constexpr std::int32_t steps_per_task = 4;

constexpr auto completed_sql = "SELECT count(*) FROM geartrain_yardstick.workflow_step_transitions "
                               "WHERE most_recent AND to_state = 'complete'";

/// Runs the statements of one connection one by one. The first failure makes all that follow do nothing.
class statement_runner {
public:
  statement_runner(std::unique_ptr<blocking_session> session, yardstick_meter*& meter)
    : session_(std::move(session)), meter_(meter) {}

  void begin() { plain("BEGIN"); }

  void commit() {
    auto sent = yardstick_meter::clock::now();
    plain("COMMIT");
    if (!trouble_)
      meter_->waited_since(sent);
  }

  /// The rows; null after a failure.
  std::shared_ptr<row_set> run(const char* name, const parameters& values) {
    if (trouble_)
      return nullptr;
    meter_->count(0, 1);
    return keep(session_->run_prepared(name, values.values()));
  }

  const std::optional<failure>& trouble() const { return trouble_; }

  /// Something read is not what this player has written.
  void fail(const char* message) {
    if (!trouble_)
      trouble_ = failure{errc::storage, message};
  }

private:
  void plain(const char* sql) {
    if (!trouble_)
      keep(session_->run_script(sql));
  }

  std::shared_ptr<row_set> keep(expected<std::shared_ptr<row_set>> done) {
    if (done)
      return *done;
    trouble_ = done.error();
    return nullptr;
  }

  std::unique_ptr<blocking_session> session_;
  yardstick_meter*& meter_;
  std::optional<failure> trouble_;
};

/// One task after the other, from its creation to its end, both as worker and as orchestrator.
class reference_player : public yardstick_player {
public:
  reference_player(std::unique_ptr<blocking_session> session, const yardstick_options& options)
    : sql_(std::move(session), meter_),
      context_(yardstick_json(options.context_bytes)),
      result_(R"({"success": true, "status": "completed", "result": )" + yardstick_json(options.result_bytes) +
              R"(, "metadata": {"execution_time_ms": 3, "retryable": false, "worker_id": "worker-1"}})") {}

  expected<bool> play(yardstick_meter& meter) override {
    meter_ = &meter;
    create();
    find_ready(0);
    enqueue(0, "initializing");
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      work_on(i);
      take_result(i);
      auto last = i + 1 == steps_.size();
      find_ready(last ? steps_.size() : i + 1);
      if (last)
        complete_task();
      else
        enqueue(i + 1, "evaluating_results");
      if (sql_.trouble())
        return *sql_.trouble();
      meter.count(1, 0);
    }
    return true;
  }

private:
  // -- the orchestrator, once per task -------------------------------------------

  void create() {
    task_ = fresh_id();
    sql_.begin();
    sql_.run("insert_task", parameters{}.add(task_).add(context_));
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      auto named = sql_.run("find_named_step", parameters{}.add(static_cast<std::int32_t>(i + 1)));
      if (!named)
        return;
      steps_[i] = fresh_id();
      sql_.run("insert_step", parameters{}.add(steps_[i]).add(task_).add(named->id(0, 0)));
    }
    for (std::size_t i = 1; i < steps_.size(); ++i)
      sql_.run("insert_edge", parameters{}.add(steps_[i - 1]).add(steps_[i]));
    append("append_task", task_, {}, "pending");
    for (auto& step : steps_)
      append("append_step", step, {}, "pending");
    sql_.commit();
    move_task("pending", "initializing");
  }

  void complete_task() {
    move_task("evaluating_results", "complete");
    sql_.run("flag_task", parameters{}.add(task_));
  }

  // -- the worker ----------------------------------------------------------------

  void work_on(std::size_t i) {
    auto& step = steps_[i];
    sql_.run("read_step", parameters{}.add(step));
    auto ancestors = sql_.run("read_ancestors", parameters{}.add(step));
    if (ancestors && ancestors->size() != static_cast<int>(i))
      sql_.fail("the reference pattern lost the result of an ancestor");
    move_step(step, "enqueued", "in_progress");
    sql_.run("count_attempt", parameters{}.add(step));
    move_step(step, "in_progress", "enqueued_for_orchestration");
    sql_.run("store_result", parameters{}.add(step).add(result_));
  }

  // -- the orchestrator, once per result -----------------------------------------

  void take_result(std::size_t i) {
    auto& step = steps_[i];
    sql_.run("read_result", parameters{}.add(step));
    move_step(step, "enqueued_for_orchestration", "complete");
    sql_.run("flag_step", parameters{}.add(step));
    move_task("steps_in_process", "evaluating_results");
  }

  /// Looks for ready steps, which must be step `expected_step` alone, or none if there is no such step.
  void find_ready(std::size_t expected_step) {
    auto rows = sql_.run("find_ready", parameters{}.add(task_));
    if (!rows)
      return;
    std::size_t ready = 0;
    for (int row = 0; row < rows->size(); ++row)
      if (rows->boolean(row, 3)) {
        ++ready;
        if (expected_step >= steps_.size() || rows->id(row, 0) != steps_[expected_step])
          sql_.fail("the reference pattern found the wrong step ready");
      }
    if (ready != (expected_step < steps_.size() ? 1u : 0u))
      sql_.fail("the reference pattern found no ready step");
  }

  void enqueue(std::size_t i, std::string_view from) {
    move_task(from, "enqueuing_steps");
    move_step(steps_[i], "pending", "enqueued");
    move_task("enqueuing_steps", "steps_in_process");
  }

  // -- moves ---------------------------------------------------------------------

  void move_step(const uuid& step, std::string_view from, std::string_view to) {
    sql_.begin();
    sql_.run("clear_step", parameters{}.add(step));
    append("append_step", step, from, to);
    sql_.commit();
  }

  void move_task(std::string_view from, std::string_view to) {
    sql_.begin();
    sql_.run("clear_task", parameters{}.add(task_));
    append("append_task", task_, from, to);
    sql_.commit();
  }

  void append(const char* statement, const uuid& of, std::optional<std::string_view> from, std::string_view to) {
    sql_.run(statement, parameters{}.add(of).add(from).add(to));
  }

  uuid fresh_id() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return make_uuid_v7(std::chrono::duration_cast<milliseconds>(now), random_(), random_());
  }

  yardstick_meter* meter_ = nullptr; // of the round being played
  statement_runner sql_;
  const std::string context_;
  const std::string result_;
  std::mt19937_64 random_{std::random_device{}()};
  uuid task_;
  std::array<uuid, steps_per_task> steps_;
};

expected<std::unique_ptr<yardstick_player>> make_reference_player(const std::string& dsn,
                                                                  const yardstick_options& options) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  for (auto& statement : reference_statements())
    if (auto done = (*session)->prepare(statement.name, statement.sql); !done)
      return done.error();
  return std::unique_ptr<yardstick_player>{std::make_unique<reference_player>(std::move(*session), options)};
}

expected<yardstick_result> try_reference(const std::string& dsn, const yardstick_options& options, int connections) {
  auto schema = yardstick_schema::make(dsn);
  if (!schema)
    return schema.error();
  auto& session = (*schema)->session();
  if (auto made = session.run_script(reference_tables_sql); !made)
    return made.error();
  yardstick_meter meter;
  auto result = run_yardstick(
    dsn, options, connections, [&](auto& where) { return make_reference_player(where, options); }, meter);
  if (!result)
    return result;
  auto completed = session.run(completed_sql);
  if (!completed)
    return completed.error();
  if (static_cast<std::uint64_t>((*completed)->int8(0, 0)) != meter.steps())
    return failure{errc::storage, "the reference pattern did not write what it counted"};
  return result;
}

} // namespace

expected<yardstick_result> measure_reference_pattern(const std::string& dsn, const yardstick_options& options) {
  if (auto fine = check_yardstick_options(options); !fine)
    return fine.error();
  auto each = options;
  each.seconds = options.seconds / 2;
  std::optional<yardstick_result> best;
  std::vector<yardstick_trial> trials;
  for (int connections : {1, 8}) {
    auto result = try_reference(dsn, each, connections);
    if (!result)
      return result;
    trials.push_back(result->trials.front());
    if (!best || best->steps_per_second < result->steps_per_second)
      best = std::move(*result);
  }
  best->trials = std::move(trials);
  return std::move(*best);
}

} // namespace geartrain
