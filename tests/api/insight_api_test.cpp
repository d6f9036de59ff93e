#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"
#include "workflow/step_transitions.hpp"

#include <doctest/doctest.h>

#include <optional>

// What the API tells about tasks beyond their bodies: audit, summary, analytics, events.

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const std::string task_path = std::string{"/v1/tasks/"} + sample_task_id;
const std::string first_step = "018f0000-0000-7000-8000-123456780001";
const std::string unknown_task = "/v1/tasks/018f0000-0000-7000-8000-999999990000";

/// Reads of one task of the diamond, whose first step failed.
struct looking {
  looking() {
    task.step(1).attempts = {{1, attempt_outcome::permanent_failure}};
    task.step(1).error =
      json_text{R"({"message":"no","error_type":"permanent_error","retryable":false,"status_code":402})"};
    derive(task, 1, step_state::error);
    engine.on_read = [this](const read_task_request& r) {
      if (to_string(r.id) == sample_task_id)
        r.done(task_snapshot{task});
      else
        r.done(failure{errc::not_found, "no such task"});
    };
  }

  http_answer get(const std::string& path) { return call(engine.port(), "GET", path); }

  task_context task = sample_task(samples::diamond());
  fake_engine engine;
};

} // namespace

TEST_CASE("the audit of a step has attempts and acts") {
  looking l;
  l.engine.on_audit = [](const read_audit_unit& unit) -> expected<read_audit_reply> {
    CHECK(to_string(unit.step) == first_step);
    audit_row act;
    act.id = *parse_uuid("018f0000-0000-7000-8000-00000000aaaa");
    act.transition_id = *parse_uuid("018f0000-0000-7000-8000-00000000bbbb");
    act.recorded_at = fake_engine::now();
    act.success = true;
    act.from = step_state::error;
    act.to = step_state::pending;
    act.kind = "reset_for_retry";
    act.who = "me";
    act.reason = "fixed";
    audit_row attempt = act;
    attempt.worker = "018f0000-0000-7000-8000-00000000eeee";
    attempt.success = false;
    attempt.execution_time_ms = 12;
    attempt.result = json_text{R"({"type":"x"})"};
    attempt.from.reset();
    attempt.to = step_state::enqueued_as_error_for_orchestration;
    attempt.kind = "result";
    attempt.who.clear();
    attempt.reason.clear();
    attempt.attempt = 1;
    return read_audit_reply{{act, attempt}, {}};
  };
  auto answer = l.get(task_path + "/workflow_steps/" + first_step + "/audit");
  REQUIRE(answer.status == 200);
  auto rows = answer.json();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == json{{"audit_uuid", "018f0000-0000-7000-8000-00000000aaaa"},
                        {"workflow_step_uuid", first_step},
                        {"transition_uuid", "018f0000-0000-7000-8000-00000000bbbb"},
                        {"task_uuid", sample_task_id},
                        {"recorded_at", "2026-01-02T03:04:05.678901Z"},
                        {"worker_uuid", nullptr},
                        {"worker_id", nullptr},
                        {"correlation_id", sample_correlation},
                        {"success", true},
                        {"execution_time_ms", nullptr},
                        {"result", nullptr},
                        {"step_name", "start"},
                        {"from_state", "error"},
                        {"to_state", "pending"},
                        {"kind", "reset_for_retry"},
                        {"who", "me"},
                        {"reason", "fixed"},
                        {"attempt", nullptr}});
  CHECK(rows[1]["worker_uuid"] == "018f0000-0000-7000-8000-00000000eeee");
  CHECK(rows[1]["worker_id"] == "018f0000-0000-7000-8000-00000000eeee");
  CHECK(rows[1]["attempt"] == 1);
  CHECK(rows[1]["who"].is_null());
  CHECK(rows[1]["from_state"].is_null());
  auto code = [&](const std::string& path) { return l.get(path).error_code(); };
  CHECK(code(task_path + "/workflow_steps/018f0000-0000-7000-8000-123456780005/audit") == "NOT_FOUND");
  CHECK(code(task_path + "/workflow_steps/xyz/audit") == "INVALID_UUID");
  CHECK(code(unknown_task + "/workflow_steps/" + first_step + "/audit") == "NOT_FOUND");
}

TEST_CASE("a summary has everything in short") {
  looking l;
  dead_letter_row entry;
  entry.letter.reason = dead_letter_reason::manual_dlq;
  std::vector<dead_letter_row> entries;
  l.engine.on_cases = [&](const list_dead_letters_unit& unit) -> expected<list_dead_letters_reply> {
    CHECK(unit.task == parse_uuid(sample_task_id));
    return list_dead_letters_reply{entries};
  };
  auto body = l.get(task_path + "/summary").json();
  CHECK(body["task"]["task_uuid"] == sample_task_id);
  CHECK(!body["task"].contains("context"));
  CHECK(body["task"]["total_steps"] == 4);
  CHECK(body["template"]["steps"][3]["dependencies"] == json{"b", "c"});
  CHECK(body["template"]["steps"][0]["step_type"] == "standard");
  REQUIRE(body["steps"].size() == 4);
  CHECK(body["steps"][0]["error"] ==
        json{{"error_type", "permanent_error"}, {"retryable", false}, {"status_code", 402}});
  CHECK(body["steps"][0]["attempts"] == 1);
  CHECK(body["steps"][1]["error"].is_null());
  CHECK(body["dlq"] == json{{"in_dlq", false}, {"dlq_reason", nullptr}, {"resolution_status", nullptr}});
  CHECK(body["links"]["steps"] == task_path + "/workflow_steps");
  CHECK(body["links"]["dlq"] == std::string{"/v1/dlq/task/"} + sample_task_id);
  entries = {entry};
  CHECK(l.get(task_path + "/summary").json()["dlq"] ==
        json{{"in_dlq", true}, {"dlq_reason", "manual_dlq"}, {"resolution_status", "pending"}});
  entries[0].status = resolution_status::cancelled;
  CHECK(l.get(task_path + "/summary").json()["dlq"]["in_dlq"] == false);
  CHECK(l.get(unknown_task + "/summary").error_code() == "NOT_FOUND");
  CHECK(l.get("/v1/tasks/xyz/summary").error_code() == "INVALID_UUID");
}

TEST_CASE("performance over a window of hours") {
  looking l;
  std::optional<performance_unit> asked;
  l.engine.on_performance = [&](const performance_unit& unit) -> expected<performance_reply> {
    asked = unit;
    performance_reply reply;
    reply.total_tasks = 48;
    reply.completed_tasks = 36;
    reply.failed_tasks = 12;
    reply.steps = 96;
    reply.recent_completed = 1;
    reply.recent_failed = 3;
    return reply;
  };
  auto body = l.get("/v1/analytics/performance").json();
  CHECK(asked->now - asked->since == 24h);
  CHECK(body["completion_rate"] == 75);
  CHECK(body["error_rate"] == 25);
  CHECK(body["tasks_per_hour"] == 2);
  CHECK(body["steps_per_hour"] == 4);
  CHECK(body["system_health_score"] == 0.25);
  CHECK(body["calculated_at"] == "2026-01-02T03:04:05.678901Z");
  CHECK(l.get("/v1/analytics/performance?hours=0").status == 200);
  CHECK(asked->now - asked->since == 1h);
  for (const std::string hours : {"-1", "x", "100000"})
    CHECK(l.get("/v1/analytics/performance?hours=" + hours).error_code() == "BAD_REQUEST");
}

TEST_CASE("bottlenecks come with advice") {
  looking l;
  std::optional<bottlenecks_unit> asked;
  l.engine.on_bottlenecks = [&](const bottlenecks_unit& unit) -> expected<bottlenecks_reply> {
    asked = unit;
    slow_item slow{"n", "t", "1.0.0", "s", 31.5, 60, 10, 3, 0, fake_engine::now()};
    bottlenecks_reply reply;
    reply.steps = {slow};
    slow.step_name.clear();
    slow.average_seconds = 1;
    slow.errors = 0;
    slow.average_steps = 4;
    reply.tasks = {slow};
    reply.tasks_by_state[static_cast<std::size_t>(task_state::error)] = 2;
    reply.tasks_by_state[static_cast<std::size_t>(task_state::complete)] = 5;
    reply.total_steps = 28;
    return reply;
  };
  auto body = l.get("/v1/analytics/bottlenecks?limit=3&min_executions=2").json();
  CHECK(asked->limit == 3);
  CHECK(asked->min_executions == 2);
  CHECK(body["slow_steps"][0]["step_name"] == "s");
  CHECK(body["slow_steps"][0]["error_rate"] == 0.3);
  CHECK(body["slow_tasks"][0]["average_step_count"] == 4);
  CHECK(!body["slow_tasks"][0].contains("step_name"));
  CHECK(body["resource_utilization"]["system_health"]["error_tasks"] == 2);
  CHECK(body["resource_utilization"]["system_health"]["total_tasks"] == 7);
  CHECK(body["resource_utilization"]["system_health"]["total_steps"] == 28);
  REQUIRE(body["recommendations"].size() == 2);
  CHECK(body["recommendations"][0] == "step n/t/1.0.0/s fails in 30.0 % of its executions: look at its errors");
  CHECK(l.get("/v1/analytics/bottlenecks").status == 200);
  CHECK(asked->limit == 10);
  CHECK(asked->min_executions == 5);
  for (const std::string query : {"limit=0", "limit=101", "min_executions=0", "hours=x"})
    CHECK(l.get("/v1/analytics/bottlenecks?" + query).error_code() == "BAD_REQUEST");
}

TEST_CASE("events are read on from a position") {
  looking l;
  std::optional<read_events_unit> asked;
  l.engine.on_events = [&](const read_events_unit& unit) -> expected<read_events_reply> {
    asked = unit;
    if (unit.after > 41)
      return read_events_reply{};
    stored_event one;
    one.position = 41;
    one.task = *parse_uuid(sample_task_id);
    one.namespace_name = "test";
    one.event.number = 1;
    one.event.name = "order.paid";
    one.event.at = fake_engine::now();
    one.event.payload = json_text{R"({"n":1})"};
    return read_events_reply{{one}};
  };
  auto page = l.get("/v1/events?namespace=test&after=40&limit=5").json();
  CHECK(asked->namespace_name == "test");
  CHECK(asked->after == 40);
  CHECK(asked->limit == 5);
  CHECK(page == json{{"events",
                      {{{"position", 41},
                        {"name", "order.paid"},
                        {"namespace", "test"},
                        {"task_uuid", sample_task_id},
                        {"step_uuid", first_step},
                        {"delivery_mode", "durable"},
                        {"published_at", "2026-01-02T03:04:05.678901Z"},
                        {"payload", {{"n", 1}}}}}},
                     {"next_after", 41}});
  auto end = l.get("/v1/events?after=9007199254740993").json();
  CHECK(end["events"].empty());
  CHECK(end["next_after"] == 9007199254740993);
  for (const std::string query : {"after=-1", "after=x", "limit=0", "limit=1001", "namespace="})
    CHECK(l.get("/v1/events?" + query).error_code() == "BAD_REQUEST");
}
