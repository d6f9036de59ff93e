#include "runtime/api/report_item.hpp"

#include "tests/api/fake_engine.hpp"
#include "tests/support/sample_templates.hpp"
#include "workflow/lease_token.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace geartrain;
using namespace geartrain::testing;
using nlohmann::json;

namespace {

task_context task() {
  return sample_task(samples::linear(3));
}

/// What the processor gets for an item, or what is wrong with it.
struct reading {
  token_mint mint{"a secret of the tests"};

  report_item read(json more) {
    auto leased = sample_lease(task(), 1);
    json text{{"step_uuid", to_string(leased.step->id)}, {"lease_token", mint.encode(leased.held.token)}};
    text.update(more);
    return read_text(text.dump());
  }

  report_item read_text(const std::string& text) {
    return read_report(json_view{text}, {mint, "w-1", milliseconds{3600000}, fake_engine::now()});
  }
};

} // namespace

TEST_CASE("a successful report carries its parts as they were written") {
  reading r;
  auto leased = sample_lease(task(), 1);
  auto text = R"({"step_uuid":")" + to_string(leased.step->id) + R"(","lease_token":")" +
              r.mint.encode(leased.held.token) +
              R"(","success":true,"result":{"b": 1.0,"a":2},"metadata":{"execution_time_ms":12, "custom":{}}})";
  auto got = r.read_text(text);
  REQUIRE(got.report);
  CHECK(got.report->token == leased.held.token);
  CHECK(got.report->worker == "w-1");
  CHECK(got.report->success);
  CHECK(got.report->result.view() == R"({"b": 1.0,"a":2})");
  CHECK(got.report->metadata.view() == R"({"execution_time_ms":12, "custom":{}})");
  CHECK(got.report->execution_time_ms == 12);
  CHECK(r.read({{"success", true}}).report->result.view() == "null");
  CHECK(r.read({{"success", true}, {"result", "text"}}).report->result.view() == "\"text\"");
}

TEST_CASE("a failure is retryable unless it says otherwise") {
  reading r;
  auto retryable = [&](json more) { return r.read(std::move(more)).report->retryable; };
  CHECK(retryable({{"success", false}, {"error", {{"message", "m"}}}}));
  CHECK(!retryable({{"success", false}, {"error", {{"message", "m"}, {"retryable", false}}}}));
  CHECK(!retryable({{"success", false}, {"error", {{"message", "m"}}}, {"metadata", {{"retryable", false}}}}));
  auto without = r.read({{"success", false}});
  CHECK(without.report->retryable);
  CHECK(json::parse(without.report->error.view())["error_type"] == "handler_error");
}

TEST_CASE("a delay that a server asked for is taken, capped, and outranks the hint") {
  reading r;
  auto delay = [&](json metadata) {
    auto got = r.read({{"success", false}, {"orchestration_metadata", std::move(metadata)}});
    REQUIRE(got.report);
    return got.report->requested_delay ? got.report->requested_delay->count() : -1;
  };
  auto header = [&](const char* value) { return delay({{"headers", {{"retry-AFTER", value}}}}); };
  CHECK(header("5") == 5000);
  CHECK(header("0") == 0);
  CHECK(header("99999999999999999999999") == 3600000);
  CHECK(header("Fri, 02 Jan 2026 03:05:05 GMT") == 59322);
  CHECK(header("Fri, 02 Jan 2099 03:05:05 GMT") == 3600000);
  CHECK(header("Fri, 02 Jan 2026 03:04:05 GMT") == -1);
  CHECK(header("soon") == -1);
  CHECK(header("-5") == -1);
  CHECK(delay({{"backoff_hint", {{"backoff_type", "ServerRequested"}, {"delay_seconds", 7}}}}) == 7000);
  CHECK(delay({{"backoff_hint", {{"delay_seconds", 0.5}}}}) == 500);
  CHECK(delay({{"backoff_hint", {{"delay_seconds", 1e300}}}}) == 3600000);
  CHECK(delay({{"headers", {{"Retry-After", "5"}}}, {"backoff_hint", {{"delay_seconds", 7}}}}) == 5000);
  CHECK(delay({{"headers", nullptr}, {"backoff_hint", nullptr}}) == -1);
}

TEST_CASE("a bad item is invalid and says why") {
  reading r;
  auto leased = sample_lease(task(), 1);
  auto other = to_string(make_step_id(task().id, 2));
  struct row {
    json more;
    const char* message;
  };
  const row rows[] = {
    {{{"success", "yes"}}, "success must be true or false, not \"yes\""},
    {json::object(), "success is required"},
    {{{"success", true}, {"step_uuid", "x"}}, "step_uuid must be a UUID, not \"x\""},
    {{{"success", true}, {"step_uuid", nullptr}}, "step_uuid is required"},
    {{{"success", true}, {"step_uuid", other}}, "lease_token belongs to another step"},
    {{{"success", true}, {"lease_token", "forged"}}, "lease_token is not one that this cluster issued"},
    {{{"success", true}, {"lease_token", 5}}, "lease_token must be a string of 1 to 512 characters, not 5"},
    {{{"success", true}, {"metadata", 5}}, "metadata must be an object, not 5"},
    {{{"success", true}, {"metadata", {{"execution_time_ms", 1.5}}}},
     "metadata.execution_time_ms must be an integer from 0 to 9223372036854775807, not 1.5"},
    {{{"success", false}, {"error", "text"}}, "error must be an object, not \"text\""},
    {{{"success", false}, {"error", {{"retryable", "no"}}}}, "error.retryable must be true or false, not \"no\""},
    {{{"success", false}, {"orchestration_metadata", {{"headers", {{"a", 1}}}}}},
     "orchestration_metadata.headers.a must be a string, not 1"},
    {{{"success", false}, {"orchestration_metadata", {{"backoff_hint", {{"delay_seconds", -1}}}}}},
     "orchestration_metadata.backoff_hint.delay_seconds must be a number of at least 0, not -1"},
    {{{"checkpoint_yield", 5}}, "checkpoint_yield must be an object, not 5"},
    {{{"checkpoint_yield", {{"cursor", 1}}}}, "checkpoint_yield.items_processed is required"},
    {{{"checkpoint_yield", {{"items_processed", 1}}}}, "checkpoint_yield.cursor is required"},
    {{{"checkpoint_yield", {{"cursor", nullptr}, {"items_processed", 1}}}}, "checkpoint_yield.cursor is required"},
    {{{"checkpoint_yield", {{"cursor", 1}, {"items_processed", -1}}}},
     "checkpoint_yield.items_processed must be an integer from 0 to 9223372036854775807, not -1"},
    {{{"checkpoint_yield", {{"cursor", 1}, {"items_processed", 1.5}}}},
     "checkpoint_yield.items_processed must be an integer from 0 to 9223372036854775807, not 1.5"},
    {{{"checkpoint_yield", {{"cursor", std::string(1 << 20, 'x')}, {"items_processed", 1}}}},
     "checkpoint_yield may have at most 1048576 bytes"},
    {{{"success", true}, {"result", std::string(1 << 20, 'x')}}, "result may have at most 1048576 bytes"},
  };
  for (const auto& one : rows) {
    auto got = r.read(one.more);
    CHECK(!got.report);
    CHECK(got.invalid == one.message);
  }
  CHECK(r.read({{"success", true}, {"result", std::string((1 << 20) - 2, 'x')}}).report);
  CHECK(r.read_text("[]").invalid == "must be an object, not []");
  CHECK(r.read_text(R"({"step_uuid":")" + std::string(65, 'x') + "\"}").step_uuid == std::nullopt);
  std::string deep(65, '[');
  deep += std::string(65, ']');
  auto text = json{{"step_uuid", to_string(leased.step->id)}, {"lease_token", r.mint.encode(leased.held.token)}}.dump();
  text.back() = ',';
  CHECK(r.read_text(text + R"("success":true,"result":)" + deep + "}").invalid ==
        "result is nested deeper than 64 levels");
}

TEST_CASE("a checkpoint_yield gives the step back with what was done so far") {
  reading r;
  auto got = r.read({{"checkpoint_yield", {{"cursor", {{"id", 7}}}, {"items_processed", 250}, {"more", 1}}}});
  REQUIRE(got.report);
  CHECK(got.report->kind == report_kind::yield);
  CHECK(json::parse(got.report->checkpoint.view()) ==
        json{{"cursor", {{"id", 7}}}, {"items_processed", 250}, {"accumulated_results", nullptr}});
  auto whole = r.read(
    {{"checkpoint_yield", {{"cursor", 0}, {"items_processed", 0}, {"accumulated_results", {1, 2}}}}, {"success", 5}});
  REQUIRE(whole.report);
  CHECK(json::parse(whole.report->checkpoint.view())["accumulated_results"] == json{1, 2});
  CHECK(r.read({{"checkpoint_yield", nullptr}, {"success", true}}).report->kind == report_kind::result);
}
