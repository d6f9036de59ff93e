#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <future>
#include <mutex>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

/// Something that an actor tells the test once.
template <class T>
struct told {
  std::promise<T> promise;
  std::future<T> answer = promise.get_future();

  T wait() {
    REQUIRE(answer.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return answer.get();
  }
};

http_answer post(fake_engine& engine, const std::string& what, const json& body) {
  return call(engine.port(), "POST", "/v1/workers/" + what, body.dump());
}

task_context task() {
  return sample_task(samples::linear(3));
}

/// An item of `results` for a step of the sample task with a genuine token.
json item(fake_engine& engine, std::uint16_t number, json more) {
  auto leased = sample_lease(task(), number);
  json result{{"step_uuid", to_string(leased.step->id)}, {"lease_token", engine.mint->encode(leased.held.token)}};
  result.update(more);
  return result;
}

} // namespace

TEST_CASE("results are answered in the order given, good and bad") {
  fake_engine engine;
  engine.on_report = [](const step_report& report) {
    return number_of(report.token.step) == 2 ? report_answer{report_status::stale, "too late"}
                                             : report_answer{report_status::accepted, ""};
  };
  auto answer = post(engine, "results",
                     {{"worker_id", "w-1"},
                      {"results",
                       {item(engine, 1, {{"success", true}}), 7, item(engine, 2, {{"success", true}}),
                        item(engine, 3, {{"success", 1}})}}});
  REQUIRE(answer.status == 200);
  auto results = answer.json()["results"];
  CHECK(results[0] == json{{"step_uuid", to_string(make_step_id(task().id, 1))}, {"status", "accepted"}});
  CHECK(results[1]["status"] == "invalid");
  CHECK(results[1]["step_uuid"].is_null());
  CHECK(results[2]["status"] == "stale");
  CHECK(results[2]["message"] == "too late");
  CHECK(results[3]["status"] == "invalid");
  CHECK(post(engine, "results", {{"worker_id", "w"}, {"results", json::array()}}).json()["results"].empty());
}

TEST_CASE("a result whose outcome is unknown makes the whole call 503") {
  fake_engine engine;
  engine.on_report_message = [](const report_message& one) {
    if (number_of(one.report.token.step) == 1)
      one.done(report_answer{report_status::accepted, ""});
    else
      one.done(failure{errc::unavailable, "the database is away"});
  };
  auto answer = post(
    engine, "results",
    {{"worker_id", "w"}, {"results", {item(engine, 1, {{"success", true}}), item(engine, 2, {{"success", true}})}}});
  CHECK(answer.status == 503);
  CHECK(answer.error_code() == "SERVICE_UNAVAILABLE");
  CHECK(answer.header("retry-after") == "1");
}

TEST_CASE("envelopes of the worker calls are strict") {
  fake_engine engine;
  const json good{{"worker_id", "w"}, {"namespaces", {"n"}}};
  auto with = [&](json more) {
    auto body = good;
    body.update(more);
    return post(engine, "poll", body);
  };
  const json many(1001, "x");
  for (const auto& more : {json{{"worker_id", nullptr}},
                           json{{"worker_id", ""}},
                           json{{"worker_id", std::string(129, 'x')}},
                           json{{"worker_id", 1}},
                           json{{"namespaces", nullptr}},
                           json{{"namespaces", json::array()}},
                           json{{"namespaces", "n"}},
                           json{{"namespaces", {1}}},
                           json{{"namespaces", {""}}},
                           json{{"namespaces", many}},
                           json{{"handlers", json::array()}},
                           json{{"handlers", {1}}},
                           json{{"max_steps", 0}},
                           json{{"max_steps", 1001}},
                           json{{"max_steps", "1"}},
                           json{{"wait_ms", -1}},
                           json{{"wait_ms", 60001}},
                           json{{"wait_ms", 1.5}},
                           json{{"results", 5}},
                           json{{"results", many}}}) {
    INFO(more.dump().substr(0, 80));
    auto answer = with(more);
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "BAD_REQUEST");
  }
  for (const auto* call_name : {"results", "heartbeat"}) {
    CHECK(post(engine, call_name, {{"worker_id", "w"}}).error_code() == "BAD_REQUEST");
    CHECK(post(engine, call_name, {{"results", json::array()}, {"leases", json::array()}}).error_code() ==
          "BAD_REQUEST");
    CHECK(post(engine, call_name, {{"worker_id", "w"}, {"results", many}, {"leases", many}}).status == 400);
  }
  CHECK(call(engine.port(), "POST", "/v1/workers/poll", "{").error_code() == "JSON_ERROR");
}

TEST_CASE("a poll brings steps with all that a handler needs") {
  fake_engine engine;
  auto definition = samples::linear(2);
  definition.steps[1].handler.resolver = "r";
  definition.steps[1].handler.initialization = json_text{R"({"url": "x"})"};
  definition.steps[1].timeout_seconds = 9;
  definition.steps[1].retry.max_attempts = 0;
  auto whole = sample_task(definition, R"({"amount": 1.10})");
  auto leased = sample_lease(whole, 2);
  auto step = *leased.step;
  step.dependency_results = {{0, dependency_result::kind::completed, json_text{R"({"ok": true})"}, {}}};
  step.previous_error = json_text{R"({"message":"before"})"};
  step.checkpoint = json_text{R"({"cursor":1})"};
  leased.step = std::make_shared<const ready_step>(step);
  told<poll_request> asked;
  engine.on_poll = [&](const poll_request& r) {
    asked.promise.set_value(r);
    r.done(std::vector<leased_step>{leased});
  };
  auto answer =
    post(engine, "poll",
         {{"worker_id", "w"}, {"namespaces", {"n"}}, {"handlers", {"h"}}, {"max_steps", 8}, {"wait_ms", 20000}});
  REQUIRE(answer.status == 200);
  auto request = asked.wait();
  CHECK(request.worker == "w");
  CHECK(request.handlers == std::vector<std::string>{"h"});
  CHECK(request.max_steps == 8);
  CHECK(request.wait == milliseconds{20000});
  CHECK(!answer.json().contains("results"));
  CHECK(answer.body.find(R"("context":{"amount": 1.10})") != std::string::npos);
  auto got = answer.json()["steps"][0];
  CHECK(engine.mint->decode(got["lease_token"].get<std::string>()) == leased.held.token);
  got.erase("lease_token");
  CHECK(got ==
        json{{"step_uuid", "018f0000-0000-7000-8000-123456780002"},
             {"task_uuid", sample_task_id},
             {"name", "s2"},
             {"template_step_name", "s2"},
             {"namespace", "test"},
             {"template_name", "sample"},
             {"template_version", "1.0.0"},
             {"handler",
              {{"callable", "test.s2"}, {"method", "call"}, {"resolver", "r"}, {"initialization", {{"url", "x"}}}}},
             {"attempt", 1},
             {"max_attempts", 1},
             {"lease_expires_at", "2026-01-02T03:04:35.678901Z"},
             {"timeout_seconds", 9},
             {"correlation_id", sample_correlation},
             {"parent_correlation_id", nullptr},
             {"traceparent", "00-018f00000000700080000000"
                             "0000cccc-8000123456780002-01"},
             {"task",
              {{"context", {{"amount", 1.1}}},
               {"priority", 0},
               {"tags", {"a", "b"}},
               {"initiator", "api"},
               {"source_system", "tests"},
               {"reason", "requested"},
               {"requested_at", "2026-01-02T03:04:05.678901Z"}}},
             {"inputs", {{"url", "x"}}},
             {"checkpoint", {{"cursor", 1}}},
             {"dependency_results", {{"s1", {{"result", {{"ok", true}}}}}}},
             {"previous_error", {{"message", "before"}}}});
}

TEST_CASE("results that ride on a poll are applied before it asks for steps") {
  fake_engine engine;
  std::mutex mutex;
  std::vector<std::string> order;
  engine.on_report = [&](const step_report&) {
    std::lock_guard guard{mutex};
    order.push_back("report");
    return report_answer{report_status::accepted, ""};
  };
  engine.on_poll = [&](const poll_request& r) {
    {
      std::lock_guard guard{mutex};
      order.push_back("poll");
    }
    r.done(std::vector<leased_step>{});
  };
  json body{{"worker_id", "w"}, {"namespaces", {"n"}}, {"results", {item(engine, 1, {{"success", true}}), nullptr}}};
  auto answer = post(engine, "poll", body);
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["steps"].empty());
  CHECK(answer.json()["results"][0]["status"] == "accepted");
  CHECK(answer.json()["results"][1]["status"] == "invalid");
  CHECK(order == std::vector<std::string>{"report", "poll"});

  engine.on_poll = [](const poll_request& r) { r.done(failure{errc::stopping, "bye"}); };
  auto stopping = post(engine, "poll", body);
  CHECK(stopping.status == 200); // the outcomes must not be hidden
  CHECK(stopping.json()["results"][0]["status"] == "accepted");
  body.erase("results");
  CHECK(post(engine, "poll", body).error_code() == "SERVICE_UNAVAILABLE");
}

TEST_CASE("a worker that leaves while it waits holds no step") {
  fake_engine engine;
  told<poll_request> waiting;
  told<std::uint64_t> cancelled;
  told<std::vector<lease_token>> returned;
  engine.on_poll = [&](const poll_request& r) { waiting.promise.set_value(r); };
  engine.on_cancel = [&](const poll_cancelled& r) { cancelled.promise.set_value(r.poll_id); };
  engine.on_return = [&](const leases_returned& r) { returned.promise.set_value(r.tokens); };
  auto client = std::make_unique<raw_client>(engine.port());
  client->send(format_request("POST", "/v1/workers/poll", "Content-Type: application/json\r\n",
                              R"({"worker_id":"w","namespaces":["n"],"wait_ms":60000})"));
  auto poll = waiting.wait();
  client->close();
  CHECK(cancelled.wait() == poll.poll_id);
  auto leased = sample_lease(task(), 1); // the dispatcher gave it out before it heard of that
  poll.done(std::vector<leased_step>{leased});
  poll = {};
  auto tokens = returned.wait();
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0] == leased.held.token);
}

TEST_CASE("steps that would make the answer too large go back") {
  fake_engine engine{[](api_context& context) { context.max_worker_body_bytes = 4000; }};
  auto whole = sample_task(samples::linear(3), "{\"fill\":\"" + std::string(3000, 'x') + "\"}");
  told<std::vector<lease_token>> returned;
  engine.on_poll = [&](const poll_request& r) {
    r.done(std::vector<leased_step>{sample_lease(whole, 1), sample_lease(whole, 2), sample_lease(whole, 3)});
  };
  engine.on_return = [&](const leases_returned& r) { returned.promise.set_value(r.tokens); };
  auto answer = post(engine, "poll", {{"worker_id", "w"}, {"namespaces", {"n"}}, {"max_steps", 3}});
  CHECK(answer.json()["steps"].size() == 2);
  auto tokens = returned.wait();
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].step == make_step_id(whole.id, 3));
}

TEST_CASE("a node that goes down takes results but gives no steps") {
  fake_engine engine{[](api_context& context) { context.draining = [] { return true; }; }};
  engine.on_report = [](const step_report&) { return report_answer{report_status::accepted, ""}; };
  json body{{"worker_id", "w"}, {"namespaces", {"n"}}};
  CHECK(post(engine, "poll", body).error_code() == "SERVICE_UNAVAILABLE");
  CHECK(call(engine.port(), "POST", "/v1/tasks", "{}").error_code() == "SERVICE_UNAVAILABLE");
  body["results"] = {item(engine, 1, {{"success", true}})};
  auto answer = post(engine, "poll", body);
  CHECK(answer.status == 200);
  CHECK(answer.json()["steps"].empty());
  CHECK(answer.json()["results"][0]["status"] == "accepted");
}

TEST_CASE("heartbeats are answered lease by lease") {
  fake_engine engine;
  engine.on_heartbeat = [](const heartbeat_request& r) {
    CHECK(r.tokens.size() == 3);
    r.done(std::vector<heartbeat_answer>{{heartbeat_status::extended, fake_engine::now()},
                                         {heartbeat_status::lost, {}},
                                         {heartbeat_status::cancelled, {}}});
  };
  auto good = [&](std::uint16_t number) { return item(engine, number, {{"checkpoint", nullptr}}); };
  auto forged = item(engine, 1, {{"lease_token", "forged"}});
  auto answer = post(engine, "heartbeat", {{"worker_id", "w"}, {"leases", {good(1), forged, good(2), good(3), 5}}});
  REQUIRE(answer.status == 200);
  auto leases = answer.json()["leases"];
  REQUIRE(leases.size() == 5);
  CHECK(leases[0]["status"] == "extended");
  CHECK(leases[0]["lease_expires_at"] == "2026-01-02T03:04:05.678901Z");
  CHECK(leases[1]["status"] == "invalid");
  CHECK(leases[2]["status"] == "lost");
  CHECK(!leases[2].contains("lease_expires_at"));
  CHECK(leases[3]["status"] == "cancelled");
  CHECK(leases[4]["status"] == "invalid");
  CHECK(post(engine, "heartbeat", {{"worker_id", "w"}, {"leases", json::array()}}).json()["leases"].empty());
}

TEST_CASE("a batch worker is told its name, its inputs and what became of the steps above") {
  fake_engine engine;
  auto leased = sample_lease(sample_task(samples::linear(3)), 3);
  auto step = *leased.step;
  step.instance = "s3_007";
  step.inputs = json_text{R"({"cursor": {"batch_id": "007"}})"};
  using kind = dependency_result::kind;
  step.dependency_results = {{0, kind::resolved_manually, {}, {}},
                             {1, kind::completed, json_text{"5"}, "s2_001"},
                             {1, kind::failed, json_text{R"({"message":"no"})"}, "s2_002"}};
  leased.step = std::make_shared<const ready_step>(step);
  engine.on_poll = [&](const poll_request& r) { r.done(std::vector<leased_step>{leased}); };
  auto got = post(engine, "poll", {{"worker_id", "w"}, {"namespaces", {"n"}}}).json()["steps"][0];
  CHECK(got["name"] == "s3_007");
  CHECK(got["template_step_name"] == "s3");
  CHECK(got["inputs"] == json{{"cursor", {{"batch_id", "007"}}}});
  CHECK(got["dependency_results"] == json{{"s1", {{"result", nullptr}, {"resolved_manually", true}}},
                                          {"s2_001", {{"result", 5}}},
                                          {"s2_002", {{"success", false}, {"error", {{"message", "no"}}}}}});
}

TEST_CASE("checkpoints of a heartbeat are recorded before the leases are extended") {
  fake_engine engine;
  std::mutex mutex;
  std::vector<std::string> order;
  auto note = [&](std::string what) {
    std::lock_guard guard{mutex};
    order.push_back(std::move(what));
  };
  engine.on_report = [&](const step_report& report) {
    note("checkpoint " + std::string{report.checkpoint.view()});
    CHECK(report.kind == report_kind::checkpoint);
    CHECK(report.worker == "w");
    return report_answer{number_of(report.token.step) == 1 ? report_status::accepted : report_status::stale, ""};
  };
  engine.on_heartbeat = [&](const heartbeat_request& r) {
    note("heartbeat");
    std::vector<heartbeat_answer> answers(r.tokens.size(), {heartbeat_status::extended, fake_engine::now()});
    answers.back().status = heartbeat_status::cancelled;
    r.done(std::move(answers));
  };
  auto with = [&](std::uint16_t number, json checkpoint) {
    return item(engine, number, {{"checkpoint", std::move(checkpoint)}});
  };
  const json good{{"cursor", 5}, {"items_processed", 5}};
  auto answer =
    post(engine, "heartbeat",
         {{"worker_id", "w"}, {"leases", {with(1, good), with(2, good), with(3, {{"cursor", 5}}), with(3, good)}}});
  REQUIRE(answer.status == 200);
  auto leases = answer.json()["leases"];
  CHECK(leases[0]["status"] == "extended");
  CHECK(leases[1]["status"] == "lost");
  CHECK(leases[2]["status"] == "invalid");
  CHECK(leases[2]["message"] == "checkpoint.items_processed is required");
  CHECK(leases[3]["status"] == "cancelled");
  REQUIRE(order.size() == 4);
  CHECK(order[0] == R"(checkpoint {"cursor":5,"items_processed":5,"accumulated_results":null})");
  CHECK(order[3] == "heartbeat");

  engine.on_report_message = [](const report_message& one) { one.done(failure{errc::unavailable, "away"}); };
  CHECK(post(engine, "heartbeat", {{"worker_id", "w"}, {"leases", {with(1, good)}}}).error_code() ==
        "SERVICE_UNAVAILABLE");
}
