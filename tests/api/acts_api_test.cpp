#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"
#include "workflow/step_transitions.hpp"

#include <doctest/doctest.h>

#include <mutex>
#include <optional>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

const std::string task_path = std::string{"/v1/tasks/"} + sample_task_id;
const std::string step_path = task_path + "/workflow_steps/018f0000-0000-7000-8000-123456780001";
const std::string unknown_task = "/v1/tasks/018f0000-0000-7000-8000-999999990000";

/// Keeps what was asked and does it to a task of the diamond; unknown tasks are unknown.
struct acting {
  acting() {
    engine.on_act = [this](const act_request& r) {
      asked = r.act;
      if (refuses)
        return r.done(*refuses);
      if (to_string(r.task) != sample_task_id)
        return r.done(failure{errc::not_found, "no such task"});
      auto task = sample_task(samples::diamond());
      if (r.act.kind == act_kind::cancel_task)
        task.state = task_state::cancelled;
      if (r.act.kind == act_kind::complete_step)
        derive(task, r.act.number, step_state::complete);
      task.paused = r.act.kind == act_kind::pause_task;
      r.done(task_snapshot{task});
    };
  }

  http_answer send(std::string_view method, const std::string& path, std::string_view body = {}) {
    return call(engine.port(), method, path, body);
  }

  std::optional<operator_act> asked; ///< read it only after an answer
  std::optional<failure> refuses;
  fake_engine engine;
};

} // namespace

TEST_CASE("a task is cancelled, with or without a word about it") {
  acting a;
  auto bare = a.send("DELETE", task_path);
  CHECK(bare.status == 200);
  CHECK(bare.header("x-correlation-id") == sample_correlation);
  CHECK(bare.json()["status"] == "cancelled");
  CHECK(a.asked->kind == act_kind::cancel_task);
  CHECK(a.asked->number == 0);
  CHECK(a.asked->who == "api");
  CHECK(a.asked->reason.empty());
  CHECK(a.send("DELETE", task_path, R"({"reason":"wrong","cancelled_by":"me"})").status == 200);
  CHECK(a.asked->who == "me");
  CHECK(a.asked->reason == "wrong");
  CHECK(a.send("DELETE", task_path + "?reason=too%20late&cancelled_by=you").status == 200);
  CHECK(a.asked->who == "you");
  CHECK(a.asked->reason == "too late");

  CHECK(a.send("DELETE", unknown_task).error_code() == "NOT_FOUND");
  CHECK(a.send("DELETE", "/v1/tasks/xyz").error_code() == "INVALID_UUID");
  CHECK(a.send("DELETE", "/v1/tasks/018f0000-0000-7000-8000-123456780001").error_code() == "NOT_FOUND");
  CHECK(a.send("DELETE", task_path, "{").error_code() == "JSON_ERROR");
  CHECK(a.send("DELETE", task_path, "[]").error_code() == "BAD_REQUEST");
  CHECK(a.send("DELETE", task_path, R"({"reason":5})").error_code() == "BAD_REQUEST");
  CHECK(a.send("DELETE", task_path, R"({"cancelled_by":""})").error_code() == "BAD_REQUEST");
  CHECK(a.send("DELETE", task_path + "?reason=" + std::string(1025, 'x')).error_code() == "BAD_REQUEST");
  CHECK(a.send("DELETE", task_path + "?reason=%ff").error_code() == "BAD_REQUEST");
  a.refuses = failure{errc::conflict, "the task is complete already"};
  auto finished = a.send("DELETE", task_path);
  CHECK(finished.status == 409);
  CHECK(finished.error_code() == "CONFLICT");
}

TEST_CASE("a task is paused and resumed") {
  acting a;
  auto paused = a.send("POST", task_path + "/pause", R"({"reason":"maintenance","by":"me"})");
  CHECK(paused.status == 200);
  CHECK(paused.json()["paused"] == true);
  CHECK(a.asked->kind == act_kind::pause_task);
  CHECK(a.asked->who == "me");
  CHECK(a.asked->reason == "maintenance");
  auto resumed = a.send("POST", task_path + "/resume");
  CHECK(resumed.status == 200);
  CHECK(resumed.json()["paused"] == false);
  CHECK(a.asked->kind == act_kind::resume_task);
  CHECK(a.send("POST", unknown_task + "/pause").error_code() == "NOT_FOUND");
  CHECK(a.send("POST", "/v1/tasks/xyz/resume").error_code() == "INVALID_UUID");
  CHECK(a.send("POST", task_path + "/pause", R"({"by":[]})").error_code() == "BAD_REQUEST");
  CHECK(a.send("GET", task_path + "/pause").status == 405);
}

TEST_CASE("a step is reset, resolved and completed by hand") {
  acting a;
  auto reset = a.send("PATCH", step_path, R"({"action_type":"reset_for_retry","reason":"fixed","reset_by":"me"})");
  REQUIRE(reset.status == 200);
  CHECK(reset.json()["step_uuid"] == "018f0000-0000-7000-8000-123456780001");
  CHECK(a.asked->kind == act_kind::reset_step);
  CHECK(a.asked->number == 1);
  CHECK(a.asked->who == "me");
  CHECK(a.asked->reason == "fixed");
  CHECK(
    a.send("PATCH", step_path, R"({"action_type":"resolve_manually","reason":"done","resolved_by":"you"})").status ==
    200);
  CHECK(a.asked->kind == act_kind::resolve_step);
  CHECK(a.asked->who == "you");
  auto completed = a.send("PATCH", step_path,
                          R"({"action_type":"complete_manually","reason":"r","completed_by":"b",
                              "completion_data":{"result":{"n": 1.50},"metadata":[1 ,2]}})");
  REQUIRE(completed.status == 200);
  CHECK(completed.json()["current_state"] == "complete");
  CHECK(a.asked->kind == act_kind::complete_step);
  CHECK(a.asked->result.view() == R"({"n": 1.50})");
  CHECK(a.asked->metadata.view() == "[1 ,2]");
  CHECK(a.send("PATCH", step_path,
               R"({"action_type":"complete_manually","reason":"r","completed_by":"b",
                   "completion_data":{"result":null,"metadata":null}})")
          .status == 200);
  CHECK(a.asked->result.view() == "null");
  CHECK(!a.asked->metadata);
  a.refuses = failure{errc::conflict, "only a failed one can be reset"};
  CHECK(a.send("PATCH", step_path, R"({"action_type":"reset_for_retry","reason":"r","reset_by":"b"})").status == 409);
}

TEST_CASE("malformed acts on a step never reach the engine") {
  acting a;
  std::string deep = std::string(65, '[') + std::string(65, ']');
  for (const std::string body :
       {"{}", R"({"action_type":"retry","reason":"r","reset_by":"b"})", R"({"action_type":5,"reason":"r"})",
        R"({"action_type":"ResetForRetry","reason":"r","reset_by":"b"})",
        R"({"action_type":"reset_for_retry","reset_by":"b"})", R"({"action_type":"reset_for_retry","reason":"r"})",
        R"({"action_type":"reset_for_retry","reason":"","reset_by":"b"})",
        R"({"action_type":"reset_for_retry","reason":"r","reset_by":""})",
        R"({"action_type":"reset_for_retry","reason":"r","resolved_by":"b"})",
        R"({"action_type":"resolve_manually","reason":"r","reset_by":"b"})",
        R"({"action_type":"complete_manually","reason":"r","completed_by":"b"})",
        R"({"action_type":"complete_manually","reason":"r","completed_by":"b","completion_data":null})",
        R"({"action_type":"complete_manually","reason":"r","completed_by":"b","completion_data":[]})",
        R"({"action_type":"complete_manually","reason":"r","completed_by":"b","completion_data":{}})"}) {
    INFO(body);
    auto answer = a.send("PATCH", step_path, body);
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "BAD_REQUEST");
  }
  CHECK(a.send("PATCH", step_path,
               R"({"action_type":"complete_manually","reason":"r","completed_by":"b","completion_data":{"result":)" +
                 deep + "}}")
          .error_code() == "BAD_REQUEST");
  CHECK(a.send("PATCH", step_path, "").error_code() == "JSON_ERROR");
  CHECK(a.send("PATCH", step_path, "{").error_code() == "JSON_ERROR");
  const char* good = R"({"action_type":"reset_for_retry","reason":"r","reset_by":"b"})";
  CHECK(a.send("PATCH", task_path + "/workflow_steps/xyz", good).error_code() == "INVALID_UUID");
  CHECK(a.send("PATCH", "/v1/tasks/xyz/workflow_steps/" + std::string{sample_task_id}, good).error_code() ==
        "INVALID_UUID");
  CHECK(a.send("PATCH", task_path + "/workflow_steps/" + sample_task_id, good).error_code() == "NOT_FOUND");
  CHECK(a.send("PATCH", unknown_task + "/workflow_steps/018f0000-0000-7000-8000-123456780001", good).error_code() ==
        "NOT_FOUND");
  CHECK(!a.asked);
}

// -- namespaces and templates -------------------------------------------------------

TEST_CASE("namespaces and templates are paused, and the dispatcher hears of it") {
  fake_engine engine;
  engine.catalog->put(template_snapshot{samples::diamond()}, 1);
  std::mutex mutex;
  std::vector<pause_row> stored;
  std::vector<std::size_t> told;
  engine.on_set_pause = [&](const set_pause_unit& unit) -> expected<unit_done> {
    std::lock_guard guard{mutex};
    auto same = [&](const pause_row& row) {
      return row.namespace_name == unit.pause.namespace_name && row.template_name == unit.pause.template_name;
    };
    auto removed = std::erase_if(stored, same);
    if (unit.paused)
      stored.push_back(unit.pause);
    return unit_done{static_cast<std::uint32_t>(unit.paused != (removed > 0) ? 1 : 0)};
  };
  engine.on_read_pauses = [&](const read_pauses_unit&) -> expected<read_pauses_reply> {
    std::lock_guard guard{mutex};
    return read_pauses_reply{stored};
  };
  engine.on_pauses = [&](const set_pauses& message) {
    std::lock_guard guard{mutex};
    told.push_back(message.pauses.size());
  };
  auto post = [&](const std::string& path, std::string_view body = {}) {
    return call(engine.port(), "POST", path, body);
  };
  auto paused = post("/v1/namespaces/test/pause", R"({"reason":"why","by":"me"})");
  CHECK(paused.status == 200);
  CHECK(paused.json() == json{{"namespace", "test"}, {"template", nullptr}, {"paused", true}, {"changed", true}});
  CHECK(post("/v1/templates/test/sample/pause").json()["template"] == "sample");
  auto rows = call(engine.port(), "GET", "/v1/pauses").json()["pauses"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == json{{"namespace", "test"},
                        {"template", nullptr},
                        {"paused_at", "2026-01-02T03:04:05.678901Z"},
                        {"paused_by", "me"},
                        {"reason", "why"}});
  CHECK(post("/v1/namespaces/test/resume").json()["changed"] == true);
  CHECK(post("/v1/namespaces/gone/resume").json()["changed"] == false);
  CHECK(post("/v1/namespaces/gone/pause").error_code() == "NOT_FOUND");
  CHECK(post("/v1/templates/test/gone/pause").error_code() == "NOT_FOUND");
  CHECK(post("/v1/namespaces/%ff/resume").error_code() == "NOT_FOUND");
  CHECK(post("/v1/namespaces/test/pause", R"({"by":5})").error_code() == "BAD_REQUEST");
  engine.stop();
  CHECK(told == std::vector<std::size_t>{1, 2, 1, 1});
}

TEST_CASE("a pause that can't be stored is an error") {
  fake_engine engine;
  engine.catalog->put(template_snapshot{samples::diamond()}, 1);
  CHECK(call(engine.port(), "POST", "/v1/namespaces/test/pause").error_code() == "SERVICE_UNAVAILABLE");
  CHECK(call(engine.port(), "GET", "/v1/pauses").error_code() == "SERVICE_UNAVAILABLE");
}
