#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "actors/engine.hpp"
#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

task_template registered(const std::string& ns, const std::string& version, std::int64_t id) {
  auto definition = samples::diamond();
  definition.id = id;
  definition.namespace_name = ns;
  definition.version = version;
  definition.digest = "d" + std::to_string(id);
  definition.document = R"({"name": "sample"})";
  definition.steps[3].result_schema = json_text{R"({"type":"object"})"};
  return definition;
}

} // namespace

TEST_CASE("templates are registered as YAML or JSON") {
  fake_engine engine;
  bool as_json = false;
  std::string text;
  bool new_version = true;
  engine.on_register = [&](const register_template_request& r) {
    as_json = r.is_json; // all before the answer: after it the test goes on
    text = r.text;
    if (r.text == "bad")
      r.done(register_template_result{template_refused{{{"steps[2].name", 7, "is missing"}, {"version", {}, "no"}}}});
    else
      r.done(
        register_template_result{template_registered{template_snapshot{registered("n", "1.0.0", 1)}, new_version}});
  };
  auto post = [&](const std::string& body, const std::string& type) {
    return call(engine.port(), "POST", "/v1/templates", body, type.empty() ? type : "Content-Type: " + type + "\r\n");
  };
  auto created = post("name: x", "application/yaml");
  CHECK(created.status == 201);
  CHECK(created.json() == json{{"namespace", "n"}, {"name", "sample"}, {"version", "1.0.0"}, {"digest", "d1"}});
  CHECK(!as_json);
  CHECK(text == "name: x");
  new_version = false;
  CHECK(post("{}", "application/json; charset=utf-8").status == 200);
  CHECK(as_json);
  for (const auto* type : {"text/yaml", "Application/X-YAML"})
    CHECK(post("name: x", type).status == 200);
  CHECK(post("name: x", "text/plain").error_code() == "UNSUPPORTED_MEDIA_TYPE");
  auto refused = post("bad", "text/yaml");
  CHECK(refused.status == 422);
  CHECK(refused.error_code() == "INVALID_TEMPLATE");
  CHECK(refused.json()["error"]["details"] ==
        json::array({{{"path", "steps[2].name"}, {"line", 7}, {"message", "is missing"}},
                     {{"path", "version"}, {"message", "no"}}}));
}

TEST_CASE("templates are listed and read from the catalog") {
  fake_engine engine;
  std::int64_t id = 0;
  for (const auto& [ns, version] : {std::pair{"a", "1.0.0"}, std::pair{"a", "1.10.0"}, std::pair{"b", "2.0.0"}}) {
    ++id;
    engine.catalog->put(template_snapshot{registered(ns, version, id)}, id);
  }
  auto all = call(engine.port(), "GET", "/v1/templates").json();
  CHECK(all["total_count"] == 3);
  CHECK(all["namespaces"][0] == json{{"name", "a"}, {"description", nullptr}, {"template_count", 2}});
  CHECK(all["templates"][0]["step_count"] == 4);
  auto some = call(engine.port(), "GET", "/v1/templates?namespace=b").json();
  CHECK(some["total_count"] == 1);
  CHECK(some["namespaces"].size() == 2);
  CHECK(call(engine.port(), "GET", "/v1/templates?namespace=zzz").json()["templates"].empty());
  auto one = call(engine.port(), "GET", "/v1/templates/a/sample/1.10.0");
  REQUIRE(one.status == 200);
  CHECK(one.body.find(R"("configuration":{"name": "sample"})") != std::string::npos);
  auto steps = one.json()["steps"];
  CHECK(steps[3]["dependencies"] == json{"b", "c"});
  CHECK(steps[3]["default_max_attempts"] == 3);
  CHECK(steps[3]["default_retryable"] == true);
  CHECK(steps[3]["result_schema"] == json{{"type", "object"}});
  CHECK(steps[0]["result_schema"].is_null());
  auto unknown = call(engine.port(), "GET", "/v1/templates/a/sample/9.9.9");
  CHECK(unknown.status == 404);
  CHECK(unknown.json()["error"]["message"] == "Template not found: a/sample/9.9.9");
}

TEST_CASE("health tells what is wrong") {
  std::atomic<bool> ready{false};
  std::atomic<bool> draining{false};
  fake_engine engine{[&](api_context& context) {
    context.ready = [&] { return ready.load(); };
    context.draining = [&] { return draining.load(); };
  }};
  auto get = [&](const std::string& path) { return call(engine.port(), "GET", path); };
  CHECK(get("/health").json() == json{{"status", "healthy"}, {"timestamp", "2026-01-02T03:04:05.678901Z"}});
  CHECK(get("/health/live").json()["status"] == "alive");
  auto starting = get("/health/ready");
  CHECK(starting.status == 503);
  CHECK(starting.error_code() == "SERVICE_UNAVAILABLE");
  CHECK(starting.json()["error"]["details"][0]["message"] == "starting");
  CHECK(starting.json()["error"]["details"][1]["status"] == "healthy");
  CHECK(starting.json()["checks"]["engine"]["status"] == "unhealthy");
  CHECK(starting.json()["info"]["operational_state"] == "Startup");
  ready = true;
  auto serving = get("/health/ready");
  CHECK(serving.status == 200);
  CHECK(serving.json()["status"] == "ready");
  CHECK(serving.json()["checks"]["database"]["status"] == "healthy");
  CHECK(serving.json()["info"]["operational_state"] == "Normal");
  auto detailed = get("/health/detailed").json();
  CHECK(detailed["status"] == "healthy");
  for (const auto* name : {"engine", "database", "admission", "pool_utilization", "queue_depth", "channel_saturation"})
    CHECK(detailed["checks"][name]["status"] == "healthy");
  CHECK(detailed["info"]["pool_utilization"]["database"]["utilization_percent"] == 0);
  engine.db->queued = 8192 * 9 / 10;
  detailed = get("/health/detailed").json();
  CHECK(detailed["status"] == "degraded");
  CHECK(detailed["checks"]["pool_utilization"]["status"] == "degraded");
  CHECK(detailed["checks"]["pool_utilization"]["message"] == "90.0 % of the database's queue is taken");
  engine.db->queued = 8192;
  CHECK(get("/health/detailed").json()["checks"]["pool_utilization"]["status"] == "unhealthy");
  engine.db->queued = 0;
  engine.database_answers = false;
  CHECK(get("/health/detailed").json()["status"] == "degraded");
  engine.db->connections_up = 0;
  CHECK(get("/health/ready").json()["error"]["details"][1]["status"] == "unhealthy");
  engine.db->connections_up = 1;
  draining = true;
  CHECK(get("/health/ready").status == 503);
}

TEST_CASE("metrics are Prometheus text with bounded labels") {
  auto turns = std::make_shared<turn_metrics>();
  turns->round_trips[1] = 5;
  fake_engine engine{[&](api_context& context) { context.turns = turns; }};
  engine.db->of(db_operation::commit_turns).round_trips = 3;
  engine.db->of(db_operation::commit_turns).execution_us.observe(300);
  for (const auto* path : {"/v1/tasks/xyz", "/v1/tasks/abc", "/nowhere/1", "/nowhere/2"})
    call(engine.port(), "GET", path);
  auto answer = call(engine.port(), "GET", "/metrics");
  CHECK(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  auto has = [&](const std::string& line) {
    INFO(line);
    CHECK(answer.body.find(line) != std::string::npos);
  };
  has(R"(geartrain_http_requests_total{method="GET",route="/v1/tasks/{task_uuid}",status="4xx"} 2)");
  has(R"(geartrain_http_requests_total{method="ANY",route="unmatched",status="4xx"} 2)");
  has(R"(geartrain_db_round_trips_total{operation="commit_turns"} 3)");
  has(R"(geartrain_db_execution_seconds_bucket{operation="commit_turns",le="0.0005"} 1)");
  has(R"(geartrain_turns_by_round_trips_total{round_trips="1"} 5)");
  has(R"(geartrain_turns_by_round_trips_total{round_trips="4+"} 0)");
  has(R"(geartrain_admission_limit{kind="poll"} 16384)");
  has("# TYPE geartrain_actor_handling_seconds histogram");
  CHECK(answer.body.find("nowhere") == std::string::npos);

  auto database = call(engine.port(), "GET", "/v1/telemetry/database").json();
  CHECK(database["round_trips"] == 3);
  CHECK(database["turns"]["by_round_trips"][1] == 5);
  CHECK(database["operations"][0]["name"] == "beat");
  CHECK(database["operations"][1]["name"] == "commit_turns");
  CHECK(database["operations"][1]["execution_us"]["count"] == 1);
  CHECK(call(engine.port(), "GET", "/v1/telemetry/actors").json()["actors"].is_array());
}

TEST_CASE("credit is bounded, comes back, and outlives its gate") {
  auto gate = std::make_unique<admission>(admission_limits{2, 10, 1, 1});
  auto one = gate->enter(admission_kind::creation);
  auto two = gate->enter(admission_kind::creation);
  CHECK(one);
  CHECK(two);
  CHECK(!gate->enter(admission_kind::creation));
  CHECK(gate->refused(admission_kind::creation) == 1);
  two.reset();
  CHECK(gate->enter(admission_kind::creation));
  CHECK(gate->enter(admission_kind::report, 1000)); // more than there is, but alone
  auto some = gate->enter(admission_kind::report, 6);
  CHECK(!gate->enter(admission_kind::report, 5));
  CHECK(gate->enter(admission_kind::report, 4));
  CHECK(gate->in_flight(admission_kind::report) == 6);
  gate.reset();
  one.reset();
}

TEST_CASE("the configuration is shown only where that is wanted") {
  fake_engine shut;
  CHECK(call(shut.port(), "GET", "/config").error_code() == "NOT_FOUND");
  fake_engine open{[](api_context& context) { context.config_json = [] { return R"({"a":1})"; }; }};
  auto answer = call(open.port(), "GET", "/config");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"a":1})");
}
