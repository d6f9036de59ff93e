#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <optional>
#include <thread>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

constexpr auto path = "/v1/tasks/bulk";

task_id id_number(std::size_t n) {
  return make_task_id(std::chrono::milliseconds{1'000'000 + n}, n);
}

/// Accepts every creation, the n-th with id_number(n); keeps what was asked.
struct creating {
  explicit creating(std::function<void(api_context&)> configure = {}) : engine(std::move(configure)) {
    engine.on_create_all = [this](const create_tasks_request& r) {
      asked = r.tasks;
      std::vector<creation_outcome> outcomes;
      for (std::size_t i = 0; i < r.tasks.size(); ++i)
        outcomes.emplace_back(accepted_task{id_number(i), r.tasks[i].input.correlation_id});
      r.done(std::move(outcomes));
    };
  }

  http_answer create(std::string_view body) { return call(engine.port(), "POST", path, body); }

  std::vector<create_task> asked; ///< read it only after an answer
  fake_engine engine;
};

std::string items(std::size_t count, const std::string& item = R"({"namespace":"n","name":"m"})") {
  std::string text = R"({"tasks":[)";
  for (std::size_t i = 0; i < count; ++i)
    text += (i ? "," : "") + item;
  return text + "]}";
}

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
}

} // namespace

TEST_CASE("creations of one call are asked for together and answered in their order") {
  creating c;
  auto answer = c.create(R"({"tasks":[
    {"namespace":"n","name":"one","context":{"b": 1.50,"a":[1, 2]},"priority":7,"tags":["x"],"idempotency_key":"k",
     "correlation_id":"018F0000-0000-7000-8000-00000000CCCC"},
    {"namespace":"n","name":"two","version":"1.2.3"}],"extra":1})");
  REQUIRE(answer.status == 200);
  auto body = answer.json();
  CHECK(body["created"] == 2);
  CHECK(body["failed"] == 0);
  CHECK(body["results"][0] ==
        json{{"status", 201}, {"task_uuid", to_string(id_number(0))}, {"correlation_id", sample_correlation}});
  CHECK(body["results"][1]["task_uuid"] == to_string(id_number(1)));
  CHECK(parse_uuid(body["results"][1]["correlation_id"].get<std::string>()));
  REQUIRE(c.asked.size() == 2);
  CHECK(c.asked[0].input.context.view() == R"({"b": 1.50,"a":[1, 2]})");
  CHECK(c.asked[0].input.priority == 7);
  CHECK(c.asked[0].idempotency_key == "k");
  CHECK(c.asked[1].version == "1.2.3");
  CHECK(c.asked[1].input.initiator == "api");
}

TEST_CASE("one wrong creation does not touch its neighbours") {
  creating c;
  auto answer = c.create(R"({"tasks":[{"namespace":"n","name":"a"},{"namespace":"n","priority":1000},7,null,[],
    {"namespace":"n","name":"b","context":{"a":)" +
                         nested(64) + R"(}},{"namespace":"n","name":"b","context":{"a":)" + nested(63) + "}}]}");
  REQUIRE(answer.status == 200);
  auto results = answer.json()["results"];
  std::vector<int> statuses;
  for (auto& result : results)
    statuses.push_back(result["status"]);
  CHECK(statuses == std::vector<int>{201, 400, 400, 400, 400, 400, 201});
  CHECK(answer.json()["created"] == 2);
  CHECK(answer.json()["failed"] == 5);
  CHECK(results[1]["error"]["code"] == "BAD_REQUEST");
  CHECK(results[1]["error"]["details"].size() == 2);
  CHECK(results[2]["error"]["message"] == "must be an object, not 7");
  CHECK(results[6]["task_uuid"] == to_string(id_number(1)));
  CHECK(c.asked.size() == 2);
}

TEST_CASE("JSON that can't be kept spoils only its own creation") {
  creating c;
  auto answer =
    c.create(R"({"tasks":[{"namespace":"n","name":"a"},{"namespace":"n","name":"a","context":{"a":"\u0000"}},
    {"namespace":"n","name":"a","context":{"a":18446744073709551616}}]})");
  REQUIRE(answer.status == 200);
  auto results = answer.json()["results"];
  CHECK(results[0]["status"] == 201);
  for (auto i : {1, 2}) {
    CHECK(results[i]["status"] == 400);
    CHECK(results[i]["error"]["code"] == "JSON_ERROR");
  }
}

TEST_CASE("a call in which no creation can be asked for is answered without the engine") {
  creating c;
  auto answer = c.create(R"({"tasks":[{"namespace":"n"}]})");
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["created"] == 0);
  CHECK(answer.json()["failed"] == 1);
  CHECK(c.asked.empty());
}

TEST_CASE("each outcome of a creation has the status and the error of a single one") {
  creating c;
  c.engine.on_create_all = [](const create_tasks_request& r) {
    std::vector<creation_outcome> outcomes;
    outcomes.emplace_back(duplicate_task{id_number(9)});
    outcomes.emplace_back(context_refused{{{"context.a", std::nullopt, "is required"}}});
    outcomes.emplace_back(failure{errc::not_found, "Task template not found: n/m"});
    outcomes.emplace_back(failure{errc::invalid, "needs a key"});
    outcomes.emplace_back(failure{errc::unavailable, "away"});
    r.done(std::move(outcomes));
  };
  auto answer = c.create(items(5));
  REQUIRE(answer.status == 200);
  auto body = answer.json();
  CHECK(body["failed"] == 5);
  auto& results = body["results"];
  CHECK(results[0] == json{{"status", 409},
                           {"error",
                            {{"code", "CONFLICT"},
                             {"message", "A task with this identity already exists"},
                             {"details", json::array({{{"task_uuid", to_string(id_number(9))}}})}}}});
  CHECK(results[1]["status"] == 422);
  CHECK(results[1]["error"]["code"] == "INVALID_CONTEXT");
  CHECK(results[1]["error"]["details"][0]["path"] == "context.a");
  CHECK(results[2]["status"] == 404);
  CHECK(results[3]["status"] == 400);
  CHECK(results[4]["status"] == 503);
}

TEST_CASE("a body of another shape is refused as a whole") {
  creating c;
  struct row {
    std::string body;
    std::string_view code;
  };
  for (const auto& [body, code] :
       {row{"", "JSON_ERROR"}, row{"{", "JSON_ERROR"}, row{R"({"tasks":[{]})", "JSON_ERROR"},
        row{R"({"tasks":[{"name":"\ud800"}]})", "JSON_ERROR"}, row{"[]", "BAD_REQUEST"}, row{"{}", "BAD_REQUEST"},
        row{R"({"tasks":null})", "BAD_REQUEST"}, row{R"({"tasks":{}})", "BAD_REQUEST"},
        row{R"({"tasks":[]})", "BAD_REQUEST"}, row{items(1001), "BAD_REQUEST"},
        row{R"({"tasks":[)" + nested(600) + "]}", "BAD_REQUEST"}}) {
    INFO(body.substr(0, 100));
    auto answer = c.create(body);
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == code);
  }
  CHECK(c.asked.empty());
  CHECK(c.create(items(1000)).json()["created"] == 1000);
}

TEST_CASE("the body of many creations has a bound of its own") {
  creating c{[](api_context& context) {
    context.max_body_bytes = 1024;
    context.max_bulk_body_bytes = 4096;
  }};
  auto with = [](std::size_t bytes) {
    return items(1, R"({"namespace":"n","name":"m","context":{"a":")" + std::string(bytes, 'x') + R"("}})");
  };
  CHECK(c.create(with(3000)).status == 200);
  auto answer = c.create(with(5000));
  CHECK(answer.status == 413);
}

TEST_CASE("a failure of the whole is the answer to the whole") {
  creating c;
  auto say = [&](failure why) {
    c.engine.on_create_all = [why](const create_tasks_request& r) { r.done(why); };
    return c.create(items(2));
  };
  CHECK(say({errc::overloaded, "full"}).error_code() == "BACKPRESSURE");
  auto answer = say({errc::unavailable, "away"});
  CHECK(answer.status == 503);
  CHECK(answer.header("retry-after") == "1");
  c.engine.on_create_all = nullptr; // the message and its completion are dropped
  CHECK(c.create(items(2)).error_code() == "SERVICE_UNAVAILABLE");
}

TEST_CASE("a call counts as many creations, and is refused as a whole") {
  std::mutex mutex;
  std::vector<create_tasks_request> held;
  auto gate = std::make_shared<admission>(admission_limits{10, 1, 1, 1, 1});
  creating c{[&](api_context& context) { context.gate = gate; }};
  c.engine.on_create_all = [&](const create_tasks_request& r) {
    std::lock_guard guard{mutex};
    held.push_back(r);
  };
  raw_client first{c.engine.port()};
  first.send(format_request("POST", path, "Content-Type: application/json\r\n", items(8)));
  while (gate->in_flight(admission_kind::creation) != 8)
    std::this_thread::yield();
  auto answer = c.create(items(3));
  CHECK(answer.status == 503);
  CHECK(answer.error_code() == "BACKPRESSURE");
  CHECK(answer.header("retry-after") == "1");
  for (bool done = false; !done; std::this_thread::yield()) {
    std::lock_guard guard{mutex};
    if ((done = !held.empty()))
      held.clear();
  }
  CHECK(first.receive().status == 503);
  while (gate->in_flight(admission_kind::creation) > 0)
    std::this_thread::yield();
}

TEST_CASE("a node that goes down takes no creations") {
  creating c{[](api_context& context) { context.draining = [] { return true; }; }};
  auto answer = c.create(items(1));
  CHECK(answer.status == 503);
  CHECK(c.asked.empty());
}
