#include "runtime/cli/cli.hpp"
#include "runtime/cli/create_body.hpp"
#include "runtime/cli/dlq_view.hpp"
#include "runtime/cli/http_client.hpp"
#include "runtime/cli/insight_view.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/template_view.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace geartrain {
namespace {

struct outcome {
  int code = 0;
  std::string out;
  std::string err;
};

outcome run(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  auto code = run_cli(arguments, std::move(environment), {out, err});
  return {code, out.str(), err.str()};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("cli: help and version go to standard output and are no error") {
  for (auto arguments : {std::vector<std::string>{"--help"},
                         {"task", "--help"},
                         {"task", "create", "--help"},
                         {"dev", "--help"},
                         {"node", "-h"}}) {
    auto answer = run(arguments);
    CHECK(answer.code == 0);
    CHECK(contains(answer.out, "Usage: geartrain"));
    CHECK(answer.err.empty());
  }
  auto version = run({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.starts_with("geartrain "));
}

TEST_CASE("cli: a wrong command line ends with 2 and says what is wrong") {
  struct row {
    std::vector<std::string> arguments;
    std::string_view complaint;
  };
  for (const auto& [arguments, complaint] : {
         row{{}, "A subcommand is required"},
         row{{"tusk"}, "unknown command \"tusk\""},
         row{{"task", "crate"}, "unknown command \"crate\""},
         row{{"task"}, "A subcommand is required"},
         row{{"task", "create", "--name", "a"}, "no template is named"},
         row{{"task", "create", "--namespace", "a"}, "no template is named"},
         row{{"task", "create", "a"}, "names no template"},
         row{{"task", "create", "a/b/c/d"}, "names no template"},
         row{{"task", "create", "a/b", "--name", "c"}, "named twice"},
         row{{"task", "create", "a/b/1.0.0", "--version", "2.0.0"}, "named twice"},
         row{{"task", "create", "--namespace", "a", "--name", "b", "--priority", "high"}, "--priority"},
         row{{"task", "create", "--namespace", "a", "--name", "b", "--identity-strategy", "lax"},
             "--identity-strategy"},
         row{{"task", "create", "--namespace", "a", "--name", "b", "--input", "{"}, "no valid JSON"},
         row{{"task", "create", "--namespace", "a", "--name", "b", "--input", "[1]"}, "no JSON object"},
         row{{"task", "create", "--namespace", "a", "--name", "b", "--input", "@/nonexistent"},
             "can't read /nonexistent"},
         row{{"task", "get"}, "TASK is required"},
         row{{"task", "watch", "x", "--timeout", "-1"}, "--timeout"},
         row{{"step", "show", "x"}, "STEP is required"},
         row{{"task", "cancel"}, "TASK is required"},
         row{{"task", "summary"}, "TASK is required"},
         row{{"step", "reset", "x", "y"}, "--reason is required"},
         row{{"step", "resolve", "x"}, "STEP is required"},
         row{{"step", "complete", "x", "y", "--reason", "r", "--result", "{"}, "--result is no valid JSON"},
         row{{"step", "complete", "x", "y", "--reason", "r", "--metadata", "{"}, "--metadata is no valid JSON"},
         row{{"dlq"}, "A subcommand is required"},
         row{{"dlq", "list", "--status", "open"}, "--status"},
         row{{"dlq", "update", "x"}, "nothing to change"},
         row{{"dlq", "redrive"}, "ENTRY is required"},
         row{{"analytics", "speed"}, "unknown command \"speed\""},
         row{{"namespace", "pause"}, "NAMESPACE is required"},
         row{{"template", "pause", "a"}, "names no template"},
         row{{"template", "resume", "a/b/1.0.0"}, "names no template"},
         row{{"template", "register"}, "FILE is required"},
         row{{"template", "show", "only/two"}, "names no template"},
         row{{"template", "show", "a/b/c/d"}, "names no template"},
         row{{"task", "list", "--output", "xml"}, "--output"},
         row{{"task", "list", "--colour"}, "--colour"},
         row{{"node"}, "no database is named"},
         row{{"node", "--lease-ms", "soon"}, "workers.lease_ms"},
         row{{"migrate"}, "no database is named"},
         row{{"config", "show", "--config", "/nonexistent.yaml"}, "can't read the configuration file"},
       }) {
    auto answer = run(arguments);
    INFO(answer.err);
    CHECK(answer.code == 2);
    CHECK(answer.out.empty());
    CHECK(contains(answer.err, complaint));
  }
}

TEST_CASE("cli: a server that does not answer ends with 3 and says what to do") {
  for (auto arguments : {std::vector<std::string>{"task", "list"},
                         {"task", "get", "x"},
                         {"task", "watch", "x"},
                         {"step", "list", "x"},
                         {"template", "list"},
                         {"task", "cancel", "x"},
                         {"task", "pause", "x"},
                         {"task", "resume", "x", "--reason", "r"},
                         {"task", "summary", "x"},
                         {"step", "reset", "x", "y", "--reason", "r"},
                         {"step", "resolve", "x", "018f0000-0000-7000-8000-123456780001", "--reason", "r"},
                         {"step", "complete", "x", "018f0000-0000-7000-8000-123456780001", "--reason", "r"},
                         {"step", "audit", "x", "y"},
                         {"dlq", "list"},
                         {"dlq", "show", "x"},
                         {"dlq", "stats"},
                         {"dlq", "queue"},
                         {"dlq", "staleness"},
                         {"dlq", "update", "x", "--notes", "n"},
                         {"dlq", "redrive", "x"},
                         {"dlq", "add", "x"},
                         {"analytics", "performance"},
                         {"analytics", "bottlenecks"},
                         {"namespace", "pause", "x"},
                         {"namespace", "resume", "x"},
                         {"namespace", "pauses"},
                         {"template", "pause", "a/b"},
                         {"template", "resume", "a/b"},
                         {"task", "create", "--namespace", "a", "--name", "b"}}) {
    arguments.insert(arguments.end(), {"--url", "http://127.0.0.1:1"});
    auto answer = run(arguments);
    CHECK(answer.code == 3);
    CHECK(answer.out.empty());
    CHECK(contains(answer.err, "can't reach http://127.0.0.1:1"));
    CHECK(contains(answer.err, "geartrain dev"));
  }
}

TEST_CASE("cli: retention works on a database that is named and can be reached") {
  for (auto verb : {"plan", "run"}) {
    auto unnamed = run({"retention", verb});
    CHECK(unnamed.code == 2);
    CHECK(contains(unnamed.err, "--database-url"));
    auto unreachable = run({"retention", verb, "--database-url", "host=/nonexistent"});
    CHECK(unreachable.code == 3);
    CHECK(unreachable.out.empty());
  }
  auto negative = run({"retention", "plan", "--retention-keep-days", "-1"});
  CHECK(negative.code == 2);
  CHECK(contains(negative.err, "retention.keep_days"));
}

TEST_CASE("cli: config show tells values and origins, and hides passwords") {
  auto answer = run({"config", "show", "--lease-ms", "500", "--database-url=postgresql://u:secret@h/d"},
                    {{"GEARTRAIN_LOG_LEVEL", "debug"}});
  CHECK(answer.code == 0);
  CHECK_FALSE(contains(answer.out, "secret"));
  CHECK(contains(answer.out, "postgresql://u:***@h/d"));
  auto as_json = run({"config", "show", "--output", "json", "--lease-ms", "500"}, {{"GEARTRAIN_LOG_LEVEL", "debug"}});
  auto shown = nlohmann::json::parse(as_json.out);
  CHECK(shown["workers"]["lease_ms"] == nlohmann::json{{"value", 500}, {"from", "--workers-lease-ms"}});
  CHECK(shown["log"]["level"] == nlohmann::json{{"value", "debug"}, {"from", "GEARTRAIN_LOG_LEVEL"}});
  CHECK(shown["node"]["shards"]["from"] == "default");
  CHECK(shown["server"]["cors_origins"]["value"] == nlohmann::json::array());
}

TEST_CASE("cli: the input of a task is passed on as it was written") {
  create_flags flags;
  flags.namespace_name = "shop";
  flags.name = "a\"b";
  flags.input = R"({"amount": 1.50, "big": 12345678901234567890123})";
  flags.tags = {"x", "y"};
  flags.priority = -5;
  flags.reason = "because";
  flags.start_at = "2026-01-31T12:00:00Z";
  flags.key_ttl_seconds = 60;
  auto body = make_create_body(flags);
  REQUIRE(body);
  CHECK(
    *body ==
    R"({"namespace":"shop","name":"a\"b","initiator":"cli","source_system":"geartrain-cli",)"
    R"("reason":"because","start_at":"2026-01-31T12:00:00Z","idempotency_key_ttl_seconds":60,"priority":-5,"tags":["x","y"],)"
    R"("context":{"amount": 1.50, "big": 12345678901234567890123}})");
}

TEST_CASE("cli: only URLs that can work are accepted") {
  CHECK(http_client::for_url("http://127.0.0.1:8080/")->url() == "http://127.0.0.1:8080");
  CHECK(http_client::for_url("http://host/prefix/")->url() == "http://host/prefix");
  CHECK(http_client::for_url("http://[::1]:80"));
  CHECK(http_client::for_url("http://[::1]"));
  for (auto wrong : {"", "127.0.0.1:8080", "ftp://h", "http://", "http://:80", "http://h:port",
                     "http://h:", "http://h?q", "https://h", "http://u@h"}) {
    INFO(wrong);
    CHECK_FALSE(http_client::for_url(wrong));
  }
  CHECK(percent_encode("a b/ü-._~") == "a%20b%2F%C3%BC-._~");
}

TEST_CASE("cli: a task, its steps and a template become text") {
  auto task = nlohmann::json::parse(R"({"task_uuid":"t1","namespace":"shop","name":"order","version":"1.0.0",
    "status":"complete","created_at":"2026-01-01T00:00:00.000000Z","completed_at":"2026-01-01T00:00:01.500000Z",
    "completed_steps":2,"total_steps":2,"priority":0,"tags":["a"],"context":{"n":1},"initiator":"x"})");
  CHECK("\n" + render_task(task, style{}) == R"(
task           t1
template       shop/order/1.0.0
status         complete
steps          2/2 complete
created        2026-01-01 00:00:00
completed      2026-01-01 00:00:01
took           1.50 s
priority       0
initiator      x
tags           ["a"]
context        {"n":1}
)");
  auto steps = nlohmann::json::parse(R"([
    {"step_uuid":"s1","name":"first","current_state":"complete","attempts":1,"max_attempts":3,"total_parents":0,
     "completed_parents":0,"results":{"result":{"ok":true},"metadata":{"execution_time_ms":12}}},
    {"step_uuid":"s2","name":"second","current_state":"error","attempts":3,"max_attempts":3,"total_parents":1,
     "completed_parents":1,"results":{"error":{"message":"card\ndeclined"}}}])");
  CHECK("\n" + render_step_list(steps, style{}) == R"(
STEP  NAME    STATE     ATTEMPTS  PARENTS  TOOK   NOTE
s1    first   complete  1/3       0/0      12 ms
s2    second  error     3/3       1/1             card declined
)");
  auto details = nlohmann::json::parse(R"({"namespace":"shop","name":"order","version":"1.0.0","description":"d",
    "steps":[{"name":"first","dependencies":[],"default_retryable":true,"default_max_attempts":3,"description":null},
             {"name":"second","dependencies":["first"],"default_retryable":true,"default_max_attempts":3}]})");
  CHECK("\n" + render_template(details, style{}) == R"(
shop/order/1.0.0
d

STEP    AFTER  RETRYABLE  MAX ATTEMPTS  DESCRIPTION
first          true       3
second  first  true       3
)");
  CHECK("\n" + render_step_tree(tree_of(steps, details), style{}) == R"(
✔ first   complete  12 ms
✘ second  error  attempt 3 of 3  card declined
)");
}

TEST_CASE("cli: workers of a batch stand below the step that cut it, and above their join") {
  auto steps = nlohmann::json::parse(R"([
    {"name":"cut","template_step_name":"cut","current_state":"complete"},
    {"name":"join","template_step_name":"join","current_state":"pending"},
    {"name":"work_001","template_step_name":"work","current_state":"complete"},
    {"name":"work_002","template_step_name":"work","current_state":"in_progress"}])");
  auto details = nlohmann::json::parse(R"({"steps":[{"name":"cut","dependencies":[]},
    {"name":"work","dependencies":["cut"]},{"name":"join","dependencies":["work"]}]})");
  CHECK("\n" + render_step_tree(tree_of(steps, details), style{}) == R"(
✔ cut          complete
├─ ✔ work_001  complete
└─ ● work_002  in_progress
○ join         pending  (after work_001, work_002)
)");
}

TEST_CASE("cli: audit, summary, pauses and figures become text") {
  auto audit = nlohmann::json::parse(R"([
    {"recorded_at":"2026-01-01T00:00:02.000000Z","kind":"reset_for_retry","success":true,"from_state":"error",
     "to_state":"pending","who":"ada","reason":"fixed","attempt":null},
    {"recorded_at":"2026-01-01T00:00:01.000000Z","kind":"result","success":false,"from_state":null,
     "to_state":"error","who":null,"worker_id":"w-1","attempt":1}])");
  CHECK("\n" + render_audit(audit, style{}) == R"(
RECORDED             KIND             ATTEMPT  SUCCESS  FROM   TO       WHO  REASON
2026-01-01 00:00:02  reset_for_retry  -        yes      error  pending  ada  fixed
2026-01-01 00:00:01  result           1        no       -      error    w-1  -
)");
  auto summary = nlohmann::json::parse(R"({"task":{"task_uuid":"t1","status":"error","paused":true},
    "dlq":{"in_dlq":true,"dlq_reason":"manual_dlq","resolution_status":"pending"},
    "steps":[{"name":"a","current_state":"error","attempts":2,"max_attempts":3,
              "error":{"error_type":"timeout","retryable":false,"status_code":503}}]})");
  auto text = render_summary(summary, style{});
  CHECK(contains(text, "paused         yes"));
  CHECK(contains(text, "dead letter    manual_dlq, pending"));
  CHECK(contains(text, "timeout, status 503, not retryable"));
  CHECK(render_pauses(nlohmann::json::parse(R"({"pauses":[]})"), style{}) == "nothing is paused\n");
  auto pauses = nlohmann::json::parse(R"({"pauses":[{"namespace":"shop","template":null,"paused_by":"ada",
    "paused_at":"2026-01-01T00:00:00.000000Z","reason":""}]})");
  CHECK(contains(render_pauses(pauses, style{}), "shop       all"));
  auto performance =
    nlohmann::json::parse(R"({"total_tasks":5,"completion_rate":80.0,"average_task_duration_seconds":1.5})");
  CHECK(contains(render_performance(performance, style{}), "completion     80.00 %"));
  auto bottlenecks = nlohmann::json::parse(R"({"slow_steps":[{"namespace_name":"n","task_name":"t","version":"1.0.0",
    "step_name":"s","average_duration_seconds":2.0,"execution_count":7}],"recommendations":["look"]})");
  CHECK(contains(render_bottlenecks(bottlenecks, style{}), "n/t/1.0.0/s"));
  CHECK(contains(render_bottlenecks(bottlenecks, style{}), "* look\n"));
}

TEST_CASE("cli: dead letters become text") {
  auto entry = nlohmann::json::parse(R"({"dlq_entry_uuid":"e1","task_uuid":"t1","dlq_reason":"manual_dlq",
    "resolution_status":"pending","dlq_timestamp":"2026-01-01T00:00:00.000000Z","task_snapshot":{"a":1}})");
  CHECK(contains(render_cases(nlohmann::json::array({entry}), style{}), "e1     t1    manual_dlq  pending"));
  CHECK(contains(render_case(entry, style{}), "task_snapshot:\n{\n  \"a\": 1\n}\n"));
  CHECK(render_cases(nlohmann::json::array(), style{}) == "no dead letters\n");
  auto odd = nlohmann::json::parse(R"([{},1,null])");
  for (auto render : {render_cases, render_case_stats, render_investigation_queue, render_staleness, render_audit})
    CHECK_FALSE(render(odd, style{}).empty());
  auto stale = nlohmann::json::parse(R"([{"task_uuid":"t1","namespace_name":"n","task_name":"t","health_status":"stale",
    "current_state":"waiting_for_retry","time_in_state_minutes":9.5,"staleness_threshold_minutes":null}])");
  CHECK(contains(render_staleness(stale, style{}), "stale   9.50"));
}

TEST_CASE("cli: answers without the expected fields do no harm") {
  auto odd = nlohmann::json::parse(R"({"tasks":[{},1,null],"pagination":"none","steps":"x"})");
  CHECK(contains(render_task_list(odd, style{}), "page 0 of 0, 0 tasks"));
  CHECK_FALSE(render_task(odd, style{}).empty());
  CHECK_FALSE(render_step(nlohmann::json::array(), style{}).empty());
  CHECK_FALSE(render_template(odd, style{}).empty());
  CHECK(tree_of(nlohmann::json::array({nullptr}), odd).size() == 1);
}

} // namespace geartrain
