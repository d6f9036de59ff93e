#include "tests/db/pool_fixture.hpp"

#include <libpq-fe.h>

#include <atomic>
#include <random>
#include <thread>

namespace geartrain::test {

namespace {

constexpr auto patience = std::chrono::seconds{10};

caf::actor_system_config& prepare(caf::actor_system_config& configuration) {
  configuration.set("scheduler.max-threads", std::size_t{2});
  configuration.set("scheduler.policy", caf::atom("sharing"));
  return configuration;
}

} // namespace

bool eventually(const std::function<bool()>& condition) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

pool_fixture::pool_fixture(db_config config) : own_(std::make_unique<test_database>()), database_(own_.get()) {
  start(std::move(config));
}

pool_fixture::pool_fixture(const test_database& database, db_config config) : database_(&database) {
  start(std::move(config));
}

void pool_fixture::start(db_config config) {
  system_ = std::make_unique<caf::actor_system>(prepare(configuration_));
  if (config.dsn.empty())
    config.dsn = database_->dsn();
  pool = spawn_db_pool(*system_, std::move(config), metrics);
}

pool_fixture::~pool_fixture() {
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  pool = nullptr;
  system_.reset(); // waits for the actor, and with it for its thread
}

template_lock::template_lock(const test_database& database) : connection_(PQconnectdb(database.dsn().c_str())) {
  auto* raw = static_cast<PGconn*>(connection_);
  PQclear(PQexec(raw, "SELECT pg_advisory_lock(1195725396, 3)")); // what lock_templates waits for
  REQUIRE(PQstatus(raw) == CONNECTION_OK);
}

template_lock::~template_lock() {
  release();
}

void template_lock::release() {
  if (connection_)
    PQfinish(static_cast<PGconn*>(connection_));
  connection_ = nullptr;
}

db_config one_connection() {
  db_config config;
  config.connections = 1;
  return config;
}

put_template_unit some_template() {
  return {"shop", "order", "1.0.0", "aa", "{}"};
}

timestamp at_second(std::int64_t seconds) {
  return timestamp{std::chrono::seconds{seconds}};
}

task_id new_task_id(std::int64_t second) {
  static std::mt19937_64 random{std::random_device{}()};
  return make_task_id(std::chrono::seconds{second}, random());
}

task_input sample_input() {
  task_input input;
  input.context = json_text{R"({"order": 17, "text": "grüß \"dich\" \\ {}"})"};
  input.initiator = "tester";
  input.source_system = "tests";
  input.reason = "to see";
  input.tags = {"a", "with \"quote\"", "back\\slash", "", "comma,brace{}"};
  input.correlation_id = new_task_id();
  input.priority = -7;
  input.requested_at = at_second(1'763'000'001);
  return input;
}

create_task_unit creation(const task_id& id, std::optional<std::string> identity, std::int64_t template_id) {
  create_task_unit unit;
  unit.id = id;
  unit.template_id = template_id;
  unit.steps_total = 4;
  unit.identity_hash = std::move(identity);
  unit.input = input_snapshot{sample_input()};
  unit.now = at_second(1'763'000'002);
  return unit;
}

step_outcome success(std::uint16_t number, std::uint16_t attempt, std::string result) {
  step_outcome o;
  o.number = number;
  o.attempt = attempt;
  o.outcome = attempt_outcome::success;
  o.lease_nonce = 0xfedcba9876543210ULL;
  o.claimed_at = at_second(1'763'000'003);
  o.finished_at = at_second(1'763'000'004);
  o.worker = "worker-1";
  o.execution_time_ms = 1000;
  o.result = json_text{std::move(result)};
  o.metadata = json_text{R"({"m":1})"};
  return o;
}

commit_turn_unit turn_of(const task_id& id, std::int32_t version, std::vector<step_outcome> outcomes) {
  commit_turn_unit unit;
  unit.record.task = id;
  unit.record.expected_version = version;
  unit.record.head_version = version;
  unit.record.steps_total = 4;
  unit.record.state_since = at_second(1'763'000'002);
  unit.record.steps_completed = static_cast<std::uint32_t>(version) + 1;
  unit.record.now = at_second(1'763'000'005);
  unit.record.appended.outcomes = std::move(outcomes);
  return unit;
}

commit_turn_unit appending(commit_turn_unit turn) {
  turn.record.writes_head = false;
  return turn;
}

std::string identity_of(int number) {
  auto text = std::to_string(number);
  return text + std::string(32 - text.size(), '#');
}

} // namespace geartrain::test
