#include "db/yardsticks/limit_tables.hpp"
#include "db/yardsticks/yardstick_run.hpp"

#include <random>
#include <string>

namespace geartrain {

const char* const limit_tables_sql = R"(
CREATE TABLE geartrain_yardstick.tasks (
  task_id uuid PRIMARY KEY,
  template_id bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  completed_at timestamptz,
  due_at timestamptz,
  version integer NOT NULL DEFAULT 0,
  steps_total integer NOT NULL,
  steps_completed integer NOT NULL DEFAULT 0,
  steps_failed integer NOT NULL DEFAULT 0,
  partition smallint NOT NULL,
  state smallint NOT NULL,
  priority smallint NOT NULL,
  closed boolean NOT NULL GENERATED ALWAYS AS (state >= 8) STORED,
  paused boolean NOT NULL DEFAULT false,
  state_since timestamptz NOT NULL DEFAULT now(),
  deadline_at timestamptz,
  ended_otherwise boolean NOT NULL GENERATED ALWAYS AS (state > 8) STORED
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 500, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE geartrain_yardstick.task_inputs (
  task_id uuid PRIMARY KEY,
  context text NOT NULL,
  initiator text NOT NULL,
  source_system text NOT NULL,
  reason text NOT NULL,
  tags text[] NOT NULL,
  correlation_id uuid NOT NULL,
  parent_correlation_id uuid,
  requested_at timestamptz NOT NULL,
  start_at timestamptz
);

CREATE TABLE geartrain_yardstick.attempts (
  task_id uuid NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  version integer NOT NULL,
  outcome smallint NOT NULL,
  lease_nonce bigint NOT NULL,
  claimed_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  next_attempt_at timestamptz,
  execution_time_ms bigint,
  worker text NOT NULL,
  result text,
  error text,
  metadata text,
  seq integer NOT NULL,
  PRIMARY KEY (task_id, version, seq)
);
)";

namespace {

constexpr int steps_per_task = 4;

constexpr auto create_sql = R"(
WITH heads AS (
  INSERT INTO geartrain_yardstick.tasks (task_id, template_id, created_at, updated_at, state_since, deadline_at,
                                         steps_total, partition, state, priority)
  SELECT g.task_id, 1, $2::timestamptz, $2, $2, $2 + interval '1 hour', 4, g.partition, 3, 0
  FROM (SELECT unnest($1::uuid[]) AS task_id, unnest($3::int2[]) AS partition) g
)
INSERT INTO geartrain_yardstick.task_inputs (task_id, context, initiator, source_system, reason, tags, correlation_id,
                                             requested_at)
SELECT g.task_id, g.context, 'bench', 'yardstick', 'a task of four steps', '{}', g.task_id, $2
FROM (SELECT unnest($1) AS task_id, unnest($4::text[]) AS context) g)";

constexpr auto turn_sql = R"(
INSERT INTO geartrain_yardstick.attempts (task_id, step, attempt, version, seq, outcome, lease_nonce, claimed_at,
                                          finished_at, execution_time_ms, worker, result)
SELECT a.task_id, a.step, 1, a.step, 0, 1, a.lease_nonce, a.claimed_at, a.finished_at, 3, a.worker, a.result
FROM (SELECT unnest($1::uuid[]) AS task_id, unnest($2::int4[]) AS step, unnest($3::int8[]) AS lease_nonce,
             unnest($4::timestamptz[]) AS claimed_at, unnest($5::timestamptz[]) AS finished_at,
             unnest($6::text[]) AS worker, unnest($7::text[]) AS result) a)";

const std::string last_turn_sql = R"(
WITH moved AS (
  UPDATE geartrain_yardstick.tasks
  SET version = 4, state = 8, steps_completed = 4, state_since = $8::timestamptz, updated_at = $8, completed_at = $8
  WHERE task_id = ANY ($1::uuid[])
))" + std::string{turn_sql};

constexpr auto written_sql = "SELECT (SELECT count(*) FROM geartrain_yardstick.attempts), "
                             "(SELECT coalesce(sum(version), 0)::bigint FROM geartrain_yardstick.tasks)";

using bound = std::vector<std::optional<std::string>>;

timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// The parameters of a batch that stay the same from task to task; the first is left to the ids.
bound turn_parameters(const yardstick_options& options, int step) {
  using enum pg_type;
  pg_array number{int4}, nonce{int8}, claimed{timestamptz}, finished{timestamptz}, worker{text}, result{text};
  auto at = now();
  std::mt19937_64 random{static_cast<std::uint64_t>(step)};
  for (int i = 0; i < options.batch; ++i) {
    number.add(std::int32_t{step});
    nonce.add(static_cast<std::int64_t>(random()));
    claimed.add(at);
    finished.add(at);
    worker.add(std::string_view{"worker-1"});
    result.add(yardstick_json(options.result_bytes));
  }
  parameters values;
  values.add(std::string_view{});
  for (auto* column : {&number, &nonce, &claimed, &finished, &worker, &result})
    values.add(std::move(*column));
  if (step == steps_per_task)
    values.add(at);
  return values.values();
}

bound creation_parameters(const yardstick_options& options) {
  using enum pg_type;
  pg_array partition{int2}, context{text};
  for (int i = 0; i < options.batch; ++i) {
    partition.add(static_cast<std::int16_t>(i % partition_count));
    context.add(yardstick_json(options.context_bytes));
  }
  parameters values;
  values.add(std::string_view{}).add(now());
  values.add(std::move(partition)).add(std::move(context));
  return values.values();
}

class limit_player : public yardstick_player {
public:
  limit_player(std::unique_ptr<blocking_session> session, const yardstick_options& options)
    : session_(std::move(session)), batch_(options.batch), creation_(creation_parameters(options)) {
    for (int step = 1; step <= steps_per_task; ++step)
      turns_.push_back(turn_parameters(options, step));
  }

  expected<bool> play(yardstick_meter& meter) override {
    pg_array ids{pg_type::uuid};
    for (int i = 0; i < batch_; ++i)
      ids.add(make_task_id(now().time_since_epoch(), random_()));
    auto encoded = ids.take();
    creation_[0] = encoded;
    if (auto done = commit("create", creation_, meter); !done)
      return done.error();
    meter.count(0, 1);
    for (auto& turn : turns_) {
      turn[0] = encoded;
      if (auto done = commit(&turn == &turns_.back() ? "last turn" : "turn", turn, meter); !done)
        return done.error();
      meter.count(batch_, 1);
    }
    return true;
  }

private:
  expected<bool> commit(const char* name, const bound& values, yardstick_meter& meter) {
    auto begin = yardstick_meter::clock::now();
    auto done = session_->run_prepared(name, values);
    if (!done)
      return done.error();
    if (static_cast<int>((*done)->touched()) != batch_)
      return failure{errc::storage, "a batch of the limit did not write all of its rows"};
    meter.waited_since(begin);
    return true;
  }

  std::unique_ptr<blocking_session> session_;
  const int batch_;
  std::mt19937_64 random_{std::random_device{}()};
  bound creation_;
  std::vector<bound> turns_; ///< by step
};

expected<std::unique_ptr<yardstick_player>> make_limit_player(const std::string& dsn,
                                                              const yardstick_options& options) {
  auto session = blocking_session::open(dsn);
  if (!session)
    return session.error();
  using named = std::pair<const char*, std::string>;
  for (auto& [name, sql] : {named{"create", create_sql}, named{"turn", turn_sql}, named{"last turn", last_turn_sql}})
    if (auto done = (*session)->prepare(name, sql.c_str()); !done)
      return done.error();
  return std::unique_ptr<yardstick_player>{std::make_unique<limit_player>(std::move(*session), options)};
}

/// What the threads say they wrote is there, the head rows as well as the appended ones.
expected<bool> check_written(blocking_session& session, std::uint64_t steps) {
  auto rows = session.run(written_sql);
  if (!rows)
    return rows.error();
  for (int column : {0, 1})
    if (static_cast<std::uint64_t>((*rows)->int8(0, column)) != steps)
      return failure{errc::storage, "the limit did not write what it counted"};
  return true;
}

} // namespace

expected<yardstick_result> measure_physical_limit(const std::string& dsn, const yardstick_options& options) {
  if (auto fine = check_yardstick_options(options); !fine)
    return fine.error();
  auto schema = yardstick_schema::make(dsn);
  if (!schema)
    return schema.error();
  if (auto made = (*schema)->session().run_script(limit_tables_sql); !made)
    return made.error();
  yardstick_meter meter;
  auto result = run_yardstick(
    dsn, options, options.connections, [&](auto& where) { return make_limit_player(where, options); }, meter);
  if (!result)
    return result;
  if (auto written = check_written((*schema)->session(), meter.steps()); !written)
    return written.error();
  return result;
}

} // namespace geartrain
