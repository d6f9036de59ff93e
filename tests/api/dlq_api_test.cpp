#include "tests/api/fake_engine.hpp"
#include "tests/api/raw_client.hpp"

#include "tests/support/sample_templates.hpp"

#include <doctest/doctest.h>

#include <optional>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const std::string entry_id = "018f0000-0000-7000-8000-00000000dddd";
const std::string task_uuid = sample_task_id;

dead_letter_row sample_case() {
  dead_letter_row row;
  row.letter.id = *parse_uuid(entry_id);
  row.letter.reason = dead_letter_reason::max_retries_exceeded;
  row.letter.original_state = task_state::steps_in_process;
  row.letter.at = fake_engine::now();
  row.letter.task_snapshot = json_text{R"({"a": 1})"};
  row.task = parse_uuid(task_uuid);
  row.updated_at = fake_engine::now();
  return row;
}

/// A queue with one case, of the sample task.
struct queue {
  queue() {
    engine.on_cases = [this](const list_dead_letters_unit& unit) -> expected<list_dead_letters_reply> {
      listed = unit;
      list_dead_letters_reply reply;
      bool fits = (!unit.id || *unit.id == row.letter.id) && (!unit.task || unit.task == row.task);
      if (fits)
        reply.rows.push_back(row);
      return reply;
    };
    engine.on_update_case = [this](const update_dead_letter_unit& unit) -> expected<unit_done> {
      updated = unit;
      if (unit.id != row.letter.id)
        return failure{errc::not_found, "no such entry"};
      return unit_done{1};
    };
  }

  http_answer send(std::string_view method, const std::string& path, std::string_view body = {}) {
    return call(engine.port(), method, path, body);
  }

  dead_letter_row row = sample_case();
  std::optional<list_dead_letters_unit> listed; ///< read these only after an answer
  std::optional<update_dead_letter_unit> updated;
  fake_engine engine;
};

} // namespace

TEST_CASE("cases are listed and found by their task") {
  queue q;
  auto all = q.send("GET", "/v1/dlq?resolution_status=manually_resolved&limit=7&offset=3");
  REQUIRE(all.status == 200);
  CHECK(q.listed->status == resolution_status::manually_resolved);
  CHECK(q.listed->limit == 7);
  CHECK(q.listed->offset == 3);
  CHECK(all.json()[0] == json{{"dlq_entry_uuid", entry_id},
                              {"task_uuid", task_uuid},
                              {"original_state", "steps_in_process"},
                              {"dlq_reason", "max_retries_exceeded"},
                              {"dlq_timestamp", "2026-01-02T03:04:05.678901Z"},
                              {"resolution_status", "pending"},
                              {"resolution_timestamp", nullptr},
                              {"resolution_notes", nullptr},
                              {"resolved_by", nullptr},
                              {"task_snapshot", {{"a", 1}}},
                              {"metadata", nullptr},
                              {"created_at", "2026-01-02T03:04:05.678901Z"},
                              {"updated_at", "2026-01-02T03:04:05.678901Z"}});
  CHECK(q.send("GET", "/v1/dlq").status == 200);
  CHECK(q.listed->limit == 50);
  CHECK(!q.listed->status);
  CHECK(q.send("GET", "/v1/dlq?resolution_status=PermanentlyFailed").status == 200);
  CHECK(q.listed->status == resolution_status::permanently_failed);
  for (const std::string query :
       {"resolution_status=open", "limit=0", "limit=-1", "limit=1001", "offset=-1", "limit=x"})
    CHECK(q.send("GET", "/v1/dlq?" + query).error_code() == "BAD_REQUEST");
  CHECK(q.send("GET", "/v1/dlq/task/" + task_uuid).json()["dlq_entry_uuid"] == entry_id);
  CHECK(q.send("GET", "/v1/dlq/task/018f0000-0000-7000-8000-999999990000").error_code() == "NOT_FOUND");
  CHECK(q.send("GET", "/v1/dlq/task/xyz").error_code() == "INVALID_UUID");
}

TEST_CASE("the investigation of a case is recorded") {
  queue q;
  auto answer = q.send("PATCH", "/v1/dlq/entry/" + entry_id,
                       R"({"resolution_status":"ManuallyResolved","resolution_notes":"n","resolved_by":"me",
                           "metadata":{"ticket": 7}})");
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["success"] == true);
  CHECK(answer.json()["dlq_entry_uuid"] == entry_id);
  CHECK(q.updated->status == resolution_status::manually_resolved);
  CHECK(q.updated->notes == "n");
  CHECK(q.updated->resolved_by == "me");
  CHECK(q.updated->metadata.view() == R"({"ticket": 7})");
  CHECK(q.send("PATCH", "/v1/dlq/entry/" + entry_id, "{}").status == 200);
  CHECK(!q.updated->status);
  CHECK(!q.updated->notes);
  CHECK(!q.updated->metadata);
  CHECK(q.send("PATCH", "/v1/dlq/entry/018f0000-0000-7000-8000-999999990000", "{}").error_code() == "NOT_FOUND");
  CHECK(q.send("PATCH", "/v1/dlq/entry/xyz", "{}").error_code() == "INVALID_UUID");
  for (const std::string body : {R"({"resolution_status":"open"})", R"({"resolution_status":5})",
                                 R"({"resolution_notes":5})", R"({"resolved_by":{}})", R"({"metadata":[]})", "[]"})
    CHECK(q.send("PATCH", "/v1/dlq/entry/" + entry_id, body).error_code() == "BAD_REQUEST");
  CHECK(q.send("PATCH", "/v1/dlq/entry/" + entry_id, "{").error_code() == "JSON_ERROR");
}

TEST_CASE("figures, queue and staleness") {
  queue q;
  q.engine.on_case_stats = [](const dead_letter_stats_unit&) -> expected<dead_letter_stats_reply> {
    dead_letter_figures figures;
    figures.reason = dead_letter_reason::worker_unavailable;
    figures.total = 3;
    figures.pending = 1;
    figures.permanently_failed = 2;
    figures.average_resolution_minutes = 1.006;
    return dead_letter_stats_reply{{figures}};
  };
  auto stats = q.send("GET", "/v1/dlq/stats").json()[0];
  CHECK(stats["dlq_reason"] == "worker_unavailable");
  CHECK(stats["total_entries"] == 3);
  CHECK(stats["permanent_failures"] == 2);
  CHECK(stats["avg_resolution_time_minutes"] == 1.01);
  CHECK(stats["oldest_entry"].is_null());

  q.engine.on_queue = [](const investigation_queue_unit& unit) -> expected<investigation_queue_reply> {
    CHECK(unit.limit == 100);
    investigation one;
    one.row = sample_case();
    one.namespace_name = "n";
    one.task_name = "t";
    one.current_state = task_state::error;
    one.priority_score = 512.5;
    return investigation_queue_reply{{one}};
  };
  auto row = q.send("GET", "/v1/dlq/investigation-queue").json()[0];
  CHECK(row["current_state"] == "error");
  CHECK(row["priority_score"] == 512.5);
  CHECK(row["namespace_name"] == "n");
  CHECK(q.send("GET", "/v1/dlq/investigation-queue?limit=0").error_code() == "BAD_REQUEST");

  q.engine.on_staleness = [](const staleness_unit&) -> expected<staleness_reply> {
    staleness_row one;
    one.task = *parse_uuid(sample_task_id);
    one.state = task_state::waiting_for_retry;
    one.created_at = fake_engine::now() - 120min;
    one.state_since = fake_engine::now() - 9min;
    staleness_reply reply{{one, one, one, one}};
    reply.rows[1].deadline_at = one.state_since + 20min;
    reply.rows[2].deadline_at = one.state_since + 10min;
    reply.rows[3].deadline_at = one.state_since + 9min;
    return reply;
  };
  auto tasks = q.send("GET", "/v1/dlq/staleness").json();
  CHECK(tasks[0]["staleness_threshold_minutes"].is_null());
  CHECK(tasks[0]["health_status"] == "healthy");
  CHECK(tasks[0]["time_in_state_minutes"] == 9);
  CHECK(tasks[0]["task_age_minutes"] == 120);
  CHECK(tasks[1]["health_status"] == "healthy");
  CHECK(tasks[2]["health_status"] == "warning");
  CHECK(tasks[2]["staleness_threshold_minutes"] == 10);
  CHECK(tasks[3]["health_status"] == "stale");
}

TEST_CASE("a case is opened by hand, once") {
  queue q;
  q.engine.on_read = [](const read_task_request& r) {
    if (to_string(r.id) == sample_task_id)
      r.done(task_snapshot{sample_task(samples::diamond())});
    else
      r.done(failure{errc::not_found, "no such task"});
  };
  std::optional<add_dead_letter_unit> added;
  std::uint32_t rows = 1;
  q.engine.on_add_case = [&](const add_dead_letter_unit& unit) -> expected<unit_done> {
    added = unit;
    return unit_done{rows};
  };
  auto opened = q.send("POST", "/v1/dlq/task/" + task_uuid, R"({"reason":"odd","by":"me"})");
  REQUIRE(opened.status == 201);
  auto body = opened.json();
  CHECK(body["dlq_reason"] == "manual_dlq");
  CHECK(body["original_state"] == "steps_in_process");
  CHECK(body["task_snapshot"]["task_uuid"] == task_uuid);
  CHECK(body["metadata"] == json{{"detection_method", "manual"}, {"opened_by", "me"}, {"reason", "odd"}});
  CHECK(added->task == parse_uuid(task_uuid));
  CHECK(to_string(added->letter.id) == body["dlq_entry_uuid"]);
  rows = 0;
  CHECK(q.send("POST", "/v1/dlq/task/" + task_uuid).error_code() == "CONFLICT");
  CHECK(q.send("POST", "/v1/dlq/task/018f0000-0000-7000-8000-999999990000").error_code() == "NOT_FOUND");
  CHECK(q.send("POST", "/v1/dlq/task/xyz").error_code() == "INVALID_UUID");
  CHECK(q.send("POST", "/v1/dlq/task/" + task_uuid, R"({"by":5})").error_code() == "BAD_REQUEST");
}

TEST_CASE("a redrive revives the task and closes its case") {
  queue q;
  std::optional<failure> refuses;
  std::optional<operator_act> asked;
  q.engine.on_act = [&](const act_request& r) {
    asked = r.act;
    if (refuses)
      return r.done(*refuses);
    r.done(task_snapshot{sample_task(samples::diamond())});
  };
  const std::string path = "/v1/dlq/entry/" + entry_id + "/redrive";
  auto done = q.send("POST", path, R"({"reason":"fixed","by":"me"})");
  REQUIRE(done.status == 200);
  CHECK(done.json()["success"] == true);
  CHECK(done.json()["task"]["task_uuid"] == task_uuid);
  CHECK(asked->kind == act_kind::redrive_task);
  CHECK(asked->who == "me");
  CHECK(q.updated->status == resolution_status::manually_resolved);
  CHECK(q.updated->notes == "redriven: fixed");
  CHECK(q.updated->resolved_by == "me");

  q.updated.reset();
  refuses = failure{errc::conflict, "only a failed one can be redriven"};
  CHECK(q.send("POST", path).status == 409);
  refuses = failure{errc::not_found, "gone"};
  CHECK(q.send("POST", path).error_code() == "CONFLICT");
  CHECK(!q.updated);
  q.row.task.reset();
  CHECK(q.send("POST", path).error_code() == "CONFLICT");
  CHECK(q.send("POST", "/v1/dlq/entry/018f0000-0000-7000-8000-999999990000/redrive").error_code() == "NOT_FOUND");
  CHECK(q.send("POST", "/v1/dlq/entry/xyz/redrive").error_code() == "INVALID_UUID");
}

TEST_CASE("a redriven task whose case can't be closed is still redriven") {
  queue q;
  q.engine.on_act = [](const act_request& r) { r.done(task_snapshot{sample_task(samples::diamond())}); };
  q.engine.on_update_case = [](const update_dead_letter_unit&) -> expected<unit_done> {
    return failure{errc::unavailable, "away"};
  };
  auto answer = q.send("POST", "/v1/dlq/entry/" + entry_id + "/redrive");
  CHECK(answer.status == 200);
  CHECK(answer.json()["success"] == false);
  CHECK(answer.json()["message"] == "the task was redriven, but the entry is still open: away");
}

TEST_CASE("without a database the queue is unavailable") {
  fake_engine engine;
  for (const auto* path : {"/v1/dlq", "/v1/dlq/stats", "/v1/dlq/investigation-queue", "/v1/dlq/staleness"})
    CHECK(call(engine.port(), "GET", path).error_code() == "SERVICE_UNAVAILABLE");
}
