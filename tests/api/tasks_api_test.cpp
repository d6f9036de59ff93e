#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "runtime/api/task_figures.hpp"
#include "tests/support/sample_templates.hpp"
#include "workflow/step_transitions.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

/// The diamond with every kind of step state: start complete after a retry, b in progress, c failed for good.
task_context busy_task() {
  auto task = sample_task(samples::diamond(), R"({"n": 1.0, "n2":[1 ,2]})");
  auto& start = task.steps[0];
  start.attempts = {{1, attempt_outcome::retryable_failure}, {2, attempt_outcome::success}};
  start.result = json_text{R"({"total": 4.20})"};
  start.error = json_text{R"({"message":"flaky"})"};
  start.metadata = json_text{R"({"execution_time_ms":3,"custom":{"k":1},"region":"eu","worker_id":"liar"})"};
  start.execution_time_ms = 3;
  start.worker = "w-1";
  start.completed_at = fake_engine::now();
  start.last_attempted_at = fake_engine::now();
  start.last_failure_at = fake_engine::now();
  task.steps[1].last_attempted_at = fake_engine::now();
  task.steps[2].attempts = {{3, attempt_outcome::permanent_failure}};
  task.steps[2].error = json_text{R"({"message":"no","error_type":"permanent_error","retryable":false})"};
  task.steps[2].worker = "w-2";
  task.steps[2].last_failure_at = fake_engine::now();
  derive(task, 1, step_state::complete);
  derive(task, 2, step_state::in_progress);
  derive(task, 3, step_state::error);
  return task;
}

struct reading {
  reading() {
    engine.on_read = [this](const read_task_request& r) {
      if (to_string(r.id) == sample_task_id)
        r.done(task_snapshot{task});
      else
        r.done(failure{errc::not_found, "no such task"});
    };
  }

  http_answer get(const std::string& path) { return call(engine.port(), "GET", path); }

  task_context task = busy_task();
  fake_engine engine;
};

const std::string task_path = std::string{"/v1/tasks/"} + sample_task_id;

} // namespace
TEST_CASE("a task is read with its derived figures") {
  reading r;
  auto answer = r.get(task_path);
  REQUIRE(answer.status == 200);
  CHECK(answer.header("x-correlation-id") == sample_correlation);
  CHECK(answer.body.find(R"("context":{"n": 1.0, "n2":[1 ,2]})") != std::string::npos);
  auto body = answer.json();
  CHECK(body["execution_status"] == "blocked_by_failures");
  CHECK(body["recommended_action"] == "handle_failures");
  CHECK(body["health_status"] == "blocked");
  CHECK(body["completion_percentage"] == 25);
  CHECK(body["completed_steps"] == 1);
  CHECK(body["in_progress_steps"] == 1);
  CHECK(body["failed_steps"] == 1);
  CHECK(body["pending_steps"] == 1);
  CHECK(body["ready_steps"] == 0);
}

TEST_CASE("steps are read with their whole results") {
  reading r;
  auto steps = r.get(task_path + "/workflow_steps").json();
  REQUIRE(steps.size() == 4);
  auto& start = steps[0];
  CHECK(start["attempts"] == 2);
  CHECK(start["max_attempts"] == 3);
  CHECK(start["current_state"] == "complete");
  CHECK(start["results"]["success"] == true);
  CHECK(start["results"]["status"] == "completed");
  CHECK(start["results"]["result"] == json{{"total", 4.2}});
  CHECK(start["results"]["error"].is_null());
  auto& metadata = start["results"]["metadata"];
  CHECK(metadata["execution_time_ms"] == 3);
  CHECK(metadata["worker_id"] == "w-1");
  CHECK(metadata["custom"] == json{{"k", 1}});
  CHECK(metadata["region"] == "eu");
  CHECK(metadata["completed_at"] == "2026-01-02T03:04:05.678901Z");
  CHECK(metadata["handler_version"].is_null());
  CHECK(steps[1]["attempts"] == 1);
  CHECK(steps[1]["results"].is_null());
  CHECK(steps[1]["dependencies_satisfied"] == true);
  CHECK(steps[2]["results"]["error"]["message"] == "no");
  CHECK(steps[2]["results"]["status"] == "failed");
  CHECK(steps[2]["results"]["metadata"]["retryable"] == false);
  CHECK(steps[3]["completed_parents"] == 0);
  CHECK(steps[3]["total_parents"] == 2);
  CHECK(steps[3]["dependencies_satisfied"] == false);

  auto one = r.get(task_path + "/workflow_steps/" + start["step_uuid"].get<std::string>());
  CHECK(one.status == 200);
  CHECK(one.json() == start);
}

TEST_CASE("what can't be read is told apart") {
  reading r;
  const std::string other = "018f0000-0000-7000-8000-999999990000";
  const std::string first_step = "018f0000-0000-7000-8000-123456780001";
  struct row {
    std::string path;
    int status;
    const char* code;
  };
  for (const auto& row : {row{"/v1/tasks/" + other, 404, "NOT_FOUND"}, row{"/v1/tasks/" + first_step, 404, "NOT_FOUND"},
                          row{"/v1/tasks/xyz", 400, "INVALID_UUID"}, row{"/v1/tasks/%00", 400, "INVALID_UUID"},
                          row{"/v1/tasks/" + other + "/workflow_steps", 404, "NOT_FOUND"},
                          row{"/v1/tasks/xyz/workflow_steps", 400, "INVALID_UUID"},
                          row{task_path + "/workflow_steps/xyz", 400, "INVALID_UUID"},
                          row{task_path + "/workflow_steps/" + sample_task_id, 404, "NOT_FOUND"},
                          row{task_path + "/workflow_steps/018f0000-0000-7000-8000-123456780005", 404, "NOT_FOUND"},
                          row{task_path + "/workflow_steps/018f0000-0000-7000-8000-999999990001", 404, "NOT_FOUND"}}) {
    INFO(row.path);
    auto answer = r.get(row.path);
    CHECK(answer.status == row.status);
    CHECK(answer.error_code() == row.code);
  }
}

TEST_CASE("tasks are listed by page") {
  fake_engine engine;
  auto definition = samples::diamond();
  definition.id = 42;
  engine.catalog->put(template_snapshot{definition}, 1);
  std::optional<list_tasks_unit> asked;
  engine.on_list = [&](const list_tasks_unit& unit) {
    asked = unit;
    task_rows rows;
    rows.head.id = *parse_uuid(sample_task_id);
    rows.head.template_id = 42;
    rows.head.state = task_state::steps_in_process;
    rows.head.steps_total = 4;
    rows.input = *sample_task(definition).input;
    return list_tasks_reply{{std::make_shared<const task_rows>(rows)}, 51};
  };
  auto page = call(engine.port(), "GET",
                   "/v1/tasks?page=2&per_page=25&status=waiting_for_retry&namespace=a&initiator=b&source_system=c");
  REQUIRE(page.status == 200);
  auto body = page.json();
  CHECK(body["pagination"] == json{{"page", 2},
                                   {"per_page", 25},
                                   {"total_count", 51},
                                   {"total_pages", 3},
                                   {"has_next", true},
                                   {"has_previous", true}});
  CHECK(body["tasks"][0]["task_uuid"] == sample_task_id);
  CHECK(body["tasks"][0]["status"] == "steps_in_process");
  CHECK(body["tasks"][0]["steps"].size() == 4);
  CHECK(asked->offset == 25);
  CHECK(asked->limit == 25);
  CHECK(asked->state == task_state::waiting_for_retry);
  CHECK(asked->namespace_name == "a");
  CHECK(asked->initiator == "b");
  CHECK(asked->source_system == "c");
  CHECK(call(engine.port(), "GET", std::string{"/v1/tasks?before="} + sample_task_id).status == 200);
  CHECK(asked->before == parse_uuid(sample_task_id));
  CHECK(asked->limit == 26); // one more than a page, to know whether anything is left
  CHECK(call(engine.port(), "GET",
             "/v1/tasks?name=n&version=1.0.0&tag=a&tag=b%20c&created_after=2026-01-01T00:00:00Z&"
             "created_before=2026-01-02T00:00:00Z&correlation_id=" +
               std::string{sample_correlation})
          .status == 200);
  CHECK(asked->template_name == "n");
  CHECK(asked->template_version == "1.0.0");
  CHECK(asked->tags == std::vector<std::string>{"a", "b c"});
  CHECK(asked->created_from == timestamp{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}});
  CHECK(asked->created_before == timestamp{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}});
  CHECK(asked->correlation_id == parse_uuid(sample_correlation));
  for (const std::string query :
       {"page=0", "page=-1", "page=x", "page=1.5", "page=", "per_page=0", "per_page=101", "per_page=99999999999",
        "page=4294967295", "status=running", "status=", "created_after=yesterday", "created_before=2026-01-01",
        "correlation_id=x", "tag=", "name=", "namespace=%ff", "initiator=a%00b"}) {
    INFO(query);
    auto answer = call(engine.port(), "GET", "/v1/tasks?" + query);
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "BAD_REQUEST");
  }
  CHECK(call(engine.port(), "GET", "/v1/tasks?before=x").error_code() == "INVALID_UUID");
}

TEST_CASE("a listing without a database, or with a template that nobody knows, is an error") {
  fake_engine engine;
  CHECK(call(engine.port(), "GET", "/v1/tasks").error_code() == "SERVICE_UNAVAILABLE");
  engine.on_list = [](const list_tasks_unit&) {
    task_rows rows;
    rows.head.template_id = 99;
    return list_tasks_reply{{std::make_shared<const task_rows>(rows)}, 1};
  };
  CHECK(call(engine.port(), "GET", "/v1/tasks").error_code() == "INTERNAL_ERROR");
}

TEST_CASE("figures of a task: the first rule that fits decides") {
  auto status = [](std::vector<step_state> states) {
    auto task = sample_task(samples::make_template({{"a", {}}, {"b", {}}, {"c", {"a", "b"}}}));
    for (std::size_t i = 0; i < states.size(); ++i)
      derive(task, static_cast<std::uint16_t>(i + 1), states[i]);
    return std::string{figures_of_task(task, fake_engine::now()).execution_status};
  };
  using s = step_state;
  CHECK(status({s::error, s::pending, s::pending}) == "blocked_by_failures");
  CHECK(status({s::in_progress, s::pending, s::pending}) == "has_ready_steps");
  CHECK(status({s::in_progress, s::complete, s::pending}) == "processing");
  CHECK(status({s::enqueued, s::complete, s::pending}) == "processing");
  CHECK(status({s::complete, s::resolved_manually, s::complete}) == "all_complete");
  CHECK(status({s::complete, s::cancelled, s::pending}) == "waiting_for_dependencies");

  auto task = sample_task(samples::linear(1));
  derive(task, 1, s::waiting_for_retry);
  auto& step = task.steps[0];
  step.attempts = {{1, attempt_outcome::retryable_failure}};
  step.last_failure_at = fake_engine::now();
  step.next_attempt_at = fake_engine::now() + milliseconds{1500};
  auto waiting = figures_of_step(task, 1, fake_engine::now());
  CHECK(!waiting.ready);
  CHECK(waiting.retry_eligible);
  CHECK(waiting.attempts == 1);
  CHECK(waiting.backoff_seconds == 2);
  CHECK(figures_of_task(task, fake_engine::now()).execution_status == "waiting_for_dependencies");
  CHECK(figures_of_step(task, 1, fake_engine::now() + milliseconds{1500}).ready);
  auto unretryable = samples::linear(1);
  unretryable.steps[0].retry.max_attempts = 0;
  auto once = sample_task(unretryable);
  CHECK(figures_of_step(once, 1, fake_engine::now()).retry_eligible);
  CHECK(figures_of_step(once, 1, fake_engine::now()).max_attempts == 1);
}

TEST_CASE("only what exists is counted and shown") {
  auto definition =
    samples::make_template({{"cut", {}}, {"work", {"cut"}}, {"other", {"cut"}}, {"join", {"work", "other"}}});
  definition.steps[1].type = step_type::batch_worker;
  definition.steps[1].batch = batch_settings{};
  auto task = sample_task(definition);
  auto& group = task.batches.emplace_back();
  group.worker = 1;
  group.source = 1;
  group.first = 5;
  for (const auto* id : {"001", "002", "003"}) {
    group.cursors.push_back({id, json_text{"{}"}});
    step_record worker;
    worker.definition = 1;
    worker.batch = 1;
    worker.being = existence::never; // so that the counts follow from derive()
    task.steps.push_back(worker);
  }
  auto states = [&](std::uint16_t number, existence being, step_state state) {
    task.step(number).being = being;
    task.step(number).state = state;
  };
  states(1, existence::exists, step_state::complete);
  states(2, existence::exists, step_state::pending);
  states(3, existence::never, step_state::pending);
  states(4, existence::exists, step_state::pending);
  states(5, existence::exists, step_state::complete);
  states(6, existence::exists, step_state::error);
  states(7, existence::exists, step_state::in_progress);
  task.step(6).attempts = {{1, attempt_outcome::permanent_failure}};
  task.step_counts = {};
  for (auto number : shown_steps(task))
    ++task.step_counts[static_cast<std::size_t>(task.step(number).state)];
  task.tolerated_failures = 1;

  CHECK(shown_steps(task) == std::vector<std::uint16_t>{1, 4, 5, 6, 7});
  auto join = figures_of_step(task, 4, fake_engine::now());
  CHECK(join.total_parents == 3);
  CHECK(join.completed_parents == 2);
  CHECK(!join.dependencies_satisfied);
  CHECK(figures_of_step(task, 5, fake_engine::now()).total_parents == 1);
  auto figures = figures_of_task(task, fake_engine::now());
  CHECK(figures.total == 5);
  CHECK(figures.failed == 1);
  CHECK(figures.blocking == 0);
  CHECK(figures.health_status == "healthy");
  CHECK(figures.execution_status == "processing");
  task.step(7).state = task.step(4).state = step_state::complete;
  CHECK(figures_of_task(task, fake_engine::now()).execution_status == "all_complete");
  CHECK(figures_of_task(task, fake_engine::now()).completion_percentage == 80);
  task.tolerated_failures = 0;
  CHECK(figures_of_task(task, fake_engine::now()).execution_status == "blocked_by_failures");

  reading r;
  r.task = task;
  auto steps = r.get(task_path + "/workflow_steps").json();
  REQUIRE(steps.size() == 5);
  CHECK(steps[2]["name"] == "work_001");
  CHECK(steps[2]["step_uuid"] == "018f0000-0000-7000-8000-123456780005");
  CHECK(r.get(task_path).json()["steps"][4]["name"] == "work_003");
  CHECK(r.get(task_path + "/workflow_steps/018f0000-0000-7000-8000-123456780002").status == 404);
  CHECK(r.get(task_path + "/workflow_steps/018f0000-0000-7000-8000-123456780003").status == 404);
}

TEST_CASE("a reset gives fresh attempts, a paused or delayed task is not ready") {
  auto task = sample_task(samples::linear(1));
  auto& step = task.step(1);
  step.attempts = {{1, attempt_outcome::retryable_failure}, {2, attempt_outcome::permanent_failure}};
  step.forgiven = 2;
  derive(task, 1, step_state::pending);
  CHECK(figures_of_step(task, 1, fake_engine::now()).attempts == 0);
  CHECK(figures_of_step(task, 1, fake_engine::now()).ready);
  task.paused = true;
  CHECK(!figures_of_step(task, 1, fake_engine::now()).ready);
  task.paused = false;
  auto input = *task.input;
  input.start_at = fake_engine::now() + milliseconds{1};
  task.input = input_snapshot{input};
  CHECK(!figures_of_step(task, 1, fake_engine::now()).ready);
  CHECK(figures_of_step(task, 1, fake_engine::now() + milliseconds{1}).ready);
  derive(task, 1, step_state::in_progress);
  CHECK(figures_of_step(task, 1, fake_engine::now()).attempts == 1);
}

TEST_CASE("a step that an operator completed has results of its own") {
  reading r;
  auto& step = r.task.step(3);
  derive(r.task, 3, step_state::complete);
  step.result = json_text{R"({"by":"hand"})"};
  step.metadata = json_text{R"({"custom":{"manually_completed":true,"completed_by":"me","completion_reason":"why"}})"};
  step.completed_at = fake_engine::now();
  auto results = r.get(task_path + "/workflow_steps").json()[2]["results"];
  CHECK(results["success"] == true);
  CHECK(results["status"] == "completed");
  CHECK(results["result"] == json{{"by", "hand"}});
  CHECK(results["error"].is_null());
  CHECK(results["metadata"]["execution_time_ms"] == 0);
  CHECK(results["metadata"]["worker_id"].is_null());
  CHECK(results["metadata"]["custom"]["completed_by"] == "me");
}

TEST_CASE("the bare context is answered as it was given") {
  reading r;
  auto answer = r.get(task_path + "/context");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"n": 1.0, "n2":[1 ,2]})");
  CHECK(r.get("/v1/tasks/018f0000-0000-7000-8000-999999990000/context").status == 404);
}
