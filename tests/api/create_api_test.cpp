#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <optional>
#include <thread>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

/// Answers every creation with a task of the diamond that has the given input, and keeps what was asked.
struct creating {
  creating() {
    engine.on_create = [this](const create_task_request& r) {
      asked = r.task;
      auto task = sample_task(samples::diamond());
      task.input = input_snapshot{r.task.input};
      r.done(create_task_result{task_created{task_snapshot{task}}});
    };
  }

  http_answer create(std::string_view body) { return call(engine.port(), "POST", "/v1/tasks", body); }

  std::optional<create_task> asked; ///< read it only after an answer
  fake_engine engine;
};

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
}

const std::string task_path = std::string{"/v1/tasks/"} + sample_task_id;

} // namespace

TEST_CASE("a created task is answered whole") {
  creating c;
  auto answer = c.create(R"({"namespace":"test","name":"sample","version":"1.0.0","context":{"b": 1.50,"a":[1, 2]},
    "initiator":"me","source_system":"shop","reason":"why","tags":["x","y"],"priority":-100,"extra":1,
    "correlation_id":"018F0000-0000-7000-8000-00000000CCCC","parent_correlation_id":null,
    "identity_strategy":"caller_provided","idempotency_key":"k","idempotency_key_ttl_seconds":60,
    "start_at":"2026-01-02T03:04:06.5Z"})");
  REQUIRE(answer.status == 201);
  CHECK(answer.header("location") == task_path);
  CHECK(answer.header("x-correlation-id") == sample_correlation);
  CHECK(answer.body.find(R"("context":{"b": 1.50,"a":[1, 2]})") != std::string::npos);
  auto body = answer.json();
  CHECK(body["task_uuid"] == sample_task_id);
  CHECK(body["status"] == "steps_in_process");
  CHECK(body["priority"] == -100);
  CHECK(body["tags"] == json{"x", "y"});
  CHECK(body["completed_at"].is_null());
  CHECK(body["created_at"] == "2026-01-02T03:04:05.678901Z");
  CHECK(body["total_steps"] == 4);
  CHECK(body["enqueued_steps"] == 1);
  CHECK(body["pending_steps"] == 3);
  CHECK(body["execution_status"] == "processing");
  CHECK(body["recommended_action"] == "wait_for_completion");
  CHECK(body["health_status"] == "healthy");
  CHECK(body["completion_percentage"] == 0);
  CHECK(body["steps"].size() == 4);
  CHECK(body["steps"][3]["total_parents"] == 2);
  CHECK(body["steps"][0]["current_state"] == "enqueued");
  CHECK(c.asked->version == "1.0.0");
  CHECK(c.asked->identity == identity_strategy::caller_provided);
  CHECK(c.asked->idempotency_key == "k");
  CHECK(c.asked->identity_ttl == std::chrono::seconds{60});
  CHECK(body["start_at"] == "2026-01-02T03:04:06.500000Z");
  CHECK(body["paused"] == false);
  CHECK(c.asked->input.context.view() == R"({"b": 1.50,"a":[1, 2]})");
}

TEST_CASE("what a creation leaves out has defaults") {
  creating c;
  REQUIRE(c.create(R"({"namespace":"test","name":"sample","priority":null})").status == 201);
  CHECK(!c.asked->version);
  CHECK(!c.asked->identity);
  CHECK(!c.asked->idempotency_key);
  CHECK(!c.asked->identity_ttl);
  CHECK(!c.asked->input.start_at);
  CHECK(c.asked->input.context.view() == "{}");
  CHECK(c.asked->input.initiator == "api");
  CHECK(c.asked->input.source_system == "api");
  CHECK(c.asked->input.reason == "requested");
  CHECK(c.asked->input.priority == 0);
  CHECK(!c.asked->input.correlation_id.is_nil());
}

TEST_CASE("limits of a creation, each at its edge and one beyond") {
  creating c;
  auto with = [&](const std::string& field) {
    auto answer = c.create(R"({"namespace":"test","name":"sample",)" + field + "}");
    return answer.status == 400 ? answer.error_code() : std::to_string(answer.status);
  };
  auto quoted = [](std::size_t length, const std::string& unit = "x") {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
      text += unit;
    return "\"" + text + "\"";
  };
  auto list = [&](std::size_t count, const std::string& element) {
    std::string text = "[";
    for (std::size_t i = 0; i < count; ++i)
      text += (i ? "," : "") + element;
    return text + "]";
  };
  for (const std::string name : {"initiator", "source_system", "idempotency_key", "version"}) {
    INFO(name);
    CHECK(with("\"" + name + "\":" + quoted(255, "\xc3\xa4")) == "201");
    CHECK(with("\"" + name + "\":" + quoted(256)) == "BAD_REQUEST");
    CHECK(with("\"" + name + "\":5") == "BAD_REQUEST");
  }
  CHECK(with("\"reason\":" + quoted(1024)) == "201");
  CHECK(with("\"reason\":" + quoted(1025)) == "BAD_REQUEST");
  CHECK(with("\"tags\":" + list(64, quoted(128))) == "201");
  CHECK(with("\"tags\":" + list(65, "\"a\"")) == "BAD_REQUEST");
  CHECK(with("\"tags\":" + list(1, quoted(129))) == "BAD_REQUEST");
  CHECK(with("\"tags\":[1]") == "BAD_REQUEST");
  CHECK(with("\"tags\":\"a\"") == "BAD_REQUEST");
  for (const std::string good : {"1", "316224000", "null"})
    CHECK(with("\"idempotency_key_ttl_seconds\":" + good) == "201");
  for (const std::string bad : {"0", "-1", "1.5", "\"60\"", "316224001"})
    CHECK(with("\"idempotency_key_ttl_seconds\":" + bad) == "BAD_REQUEST");
  for (const std::string good :
       {"2026-02-28T23:59:59Z", "0001-01-01T00:00:00.123456789+00:00", "9999-12-31T00:00:00.5Z"})
    CHECK(with("\"start_at\":\"" + good + "\"") == "201");
  for (const std::string bad :
       {"", "tomorrow", "2026-02-29T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+01:00",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z", "2026-1-1T00:00:00Z", "-026-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-01T00:00:00Z "})
    CHECK(with("\"start_at\":\"" + bad + "\"") == "BAD_REQUEST");
  CHECK(with("\"start_at\":5") == "BAD_REQUEST");
  CHECK(with("\"priority\":100") == "201");
  for (const std::string value : {"101", "-101", "1.5", "\"1\"", "99999999999999999", "true"})
    CHECK(with("\"priority\":" + value) == "BAD_REQUEST");
  for (const std::string value : {"null", "[]", "\"{}\"", "1"})
    CHECK(with("\"context\":" + value) == "BAD_REQUEST");
  CHECK(with("\"context\":{\"a\":" + nested(63) + "}") == "201");
  CHECK(with("\"context\":{\"a\":" + nested(64) + "}") == "BAD_REQUEST");
  CHECK(with("\"correlation_id\":\"018f\"") == "BAD_REQUEST");
  CHECK(with("\"parent_correlation_id\":7") == "BAD_REQUEST");
  CHECK(with("\"identity_strategy\":\"Strict\"") == "BAD_REQUEST");
}

TEST_CASE("every problem of a creation is named with its value") {
  creating c;
  auto answer = c.create(R"({"name":"","priority":101,"tags":["ok",7]})");
  REQUIRE(answer.status == 400);
  auto error = answer.json()["error"];
  CHECK(error["code"] == "BAD_REQUEST");
  CHECK(error["message"] == "namespace is required");
  REQUIRE(error["details"].size() == 4);
  CHECK(error["details"][3]["path"] == "priority");
  CHECK(error["details"][3]["message"] == "must be an integer from -100 to 100, not 101");
  CHECK(error["details"][2]["path"] == "tags[1]");
}

TEST_CASE("malformed JSON is told from JSON of the wrong type") {
  creating c;
  for (const std::string body : {"{", "{\"a\":}", "nonsense", "{\"namespace\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}",
                                 "{\"a\":1e999}", "{\"a\":99999999999999999999}", "{}{}", "{\"a\":\"\xff\"}"}) {
    INFO(body);
    auto answer = c.create(body);
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "JSON_ERROR");
  }
  for (const std::string body : {"[]", "1", "null", "\"text\""})
    CHECK(c.create(body).error_code() == "BAD_REQUEST");
  CHECK(call(c.engine.port(), "POST", "/v1/tasks").error_code() == "JSON_ERROR");
  CHECK(c.create("{\"a\":" + nested(100000) + "}").error_code() == "BAD_REQUEST");
  CHECK(c.create("\"" + std::string(1 << 20, 'x') + "\"").status == 413);
  CHECK(!c.asked);
}

TEST_CASE("refusals of the engine keep their meaning") {
  fake_engine engine;
  std::function<expected<create_task_result>()> outcome;
  engine.on_create = [&](const create_task_request& r) { r.done(outcome()); };
  auto create = [&](expected<create_task_result> result) {
    outcome = [&result] { return result; };
    return call(engine.port(), "POST", "/v1/tasks", R"({"namespace":"n","name":"m"})");
  };
  auto duplicate = create(create_task_result{duplicate_task{*parse_uuid(sample_task_id)}});
  CHECK(duplicate.status == 409);
  CHECK(duplicate.error_code() == "CONFLICT");
  CHECK(duplicate.json()["error"]["details"] == json::array({{{"task_uuid", sample_task_id}}}));
  auto refused = create(create_task_result{context_refused{{{"/amount", std::nullopt, "is required"}}}});
  CHECK(refused.status == 422);
  CHECK(refused.error_code() == "INVALID_CONTEXT");
  CHECK(refused.json()["error"]["details"][0]["path"] == "/amount");
  struct row {
    errc code;
    int status;
    const char* name;
    const char* retry_after;
  };
  for (auto r :
       {row{errc::not_found, 404, "NOT_FOUND", ""}, row{errc::invalid, 400, "BAD_REQUEST", ""},
        row{errc::overloaded, 503, "BACKPRESSURE", "1"}, row{errc::unavailable, 503, "SERVICE_UNAVAILABLE", "1"},
        row{errc::stopping, 503, "SERVICE_UNAVAILABLE", "1"}, row{errc::storage, 500, "DATABASE_ERROR", ""},
        row{errc::unhandled, 500, "INTERNAL_ERROR", ""}, row{errc::timeout, 408, "TIMEOUT", ""}}) {
    auto answer = create(failure{r.code, "why"});
    INFO(r.name);
    CHECK(answer.status == r.status);
    CHECK(answer.error_code() == r.name);
    CHECK(answer.header("retry-after") == r.retry_after);
  }
  CHECK(create(failure{errc::overloaded, "full"}).json()["error"]["retry_after_seconds"] == 1);
}

TEST_CASE("a lost request is answered") {
  fake_engine engine; // no on_create: the message and its completion are dropped
  auto answer = call(engine.port(), "POST", "/v1/tasks", R"({"namespace":"n","name":"m"})");
  CHECK(answer.status == 503);
  CHECK(answer.error_code() == "SERVICE_UNAVAILABLE");
}

TEST_CASE("creations over the bound are refused before they cost anything") {
  auto gate = std::make_shared<admission>(admission_limits{1, 1, 1, 1});
  std::mutex mutex;
  std::vector<create_task_request> held;
  fake_engine bounded{[&](api_context& context) { context.gate = gate; }};
  bounded.on_create = [&](const create_task_request& r) {
    std::lock_guard guard{mutex};
    held.push_back(r);
  };
  raw_client first{bounded.port()};
  const std::string body = R"({"namespace":"n","name":"m"})";
  first.send(format_request("POST", "/v1/tasks", "Content-Type: application/json\r\n", body));
  while (gate->in_flight(admission_kind::creation) == 0)
    std::this_thread::yield();
  auto second = call(bounded.port(), "POST", "/v1/tasks", body);
  CHECK(second.status == 503);
  CHECK(second.error_code() == "BACKPRESSURE");
  CHECK(gate->refused(admission_kind::creation) == 1);
  for (bool done = false; !done; std::this_thread::yield()) {
    std::lock_guard guard{mutex};
    if ((done = !held.empty()))
      held.clear();
  }
  CHECK(first.receive().status == 503);
  while (gate->in_flight(admission_kind::creation) > 0)
    std::this_thread::yield();
}
