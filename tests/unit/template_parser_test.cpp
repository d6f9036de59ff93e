#include "workflow/canonical_json.hpp"
#include "workflow/templates/template_parser.hpp"

#include <nlohmann/json.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace geartrain;

namespace {

task_template parsed(std::string_view text, template_format format = template_format::yaml) {
  auto result = parse_template(text, format);
  if (const auto* found = std::get_if<problems>(&result))
    for (const auto& one : *found)
      FAIL(one.path << " @" << one.line.value_or(0) << ": " << one.message);
  return std::get<task_template>(std::move(result));
}

std::string digest(std::string_view text, template_format format = template_format::yaml) {
  return parsed(text, format).digest;
}

const std::string small = R"(
name: parcel
namespace_name: logistics
version: "1.0.0"
steps:
  - name: weigh
    handler: {callable: logistics.weigh}
  - name: book
    dependencies: [weigh]
    handler: {callable: logistics.book}
)";

const std::string full = R"(
name: photo_intake
namespace_name: gallery
version: 1.2.3-rc.1
description: Everything at once
metadata: {author: me, tags: [a, b], created_at: 2024-01-01}
system_dependencies: {primary: disk, secondary: [mail]}
domain_events:
  - {name: photo.seen, description: d, schema: {type: object}}
identity_strategy: caller_provided
input_schema:
  type: object
  required: [album]
  properties: {album: {type: string, maximum: 1e20}}
task_handler: ignored
steps:
  - name: publish
    type: deferred_convergence
    dependencies: [chunk, quick]
    handler: {callable: gallery.publish}
  - name: inspect
    description: Look
    handler: {callable: gallery.inspect, method: run, resolver: special, initialization: {unit: gram, deep: [1, {a: ~}]}}
    system_dependency: disk
    timeout_seconds: 30
    retry: {retryable: false, max_attempts: 0, backoff: fibonacci, backoff_base_ms: 1, max_backoff_ms: 3600000}
    publishes_events:
      - {name: photo.inspected, description: d, schema: {type: object}, condition: always, delivery_mode: fast,
         publisher: p}
      - {name: photo.done, description: d, schema: {}}
    result_schema: {type: object}
    composition: {any: [thing]}
  - name: choose
    step_type: decision
    depends_on: [inspect]
    handler: {callable: gallery.choose}
  - name: quick
    dependencies: [choose]
    handler: {callable: gallery.quick}
  - name: plan
    type: batchable
    dependencies: [choose]
    handler: {callable: gallery.plan, initialization: {worker_template_name: chunk}}
  - name: chunk
    type: batch_worker
    dependencies: [plan]
    handler: {callable: gallery.chunk}
    batch_config: {batch_size: 250, worker_template: chunk, failure_strategy: isolate}
environments:
  test:
    steps:
      - {name: ALL, timeout_seconds: 5, retry: {max_attempts: 1}}
      - {name: plan, handler: {initialization: {batch_size: 3}}}
  empty:
lifecycle: {max_duration_minutes: 43200, max_steps_in_process_minutes: 10, auto_fail_on_timeout: true}
)";

} // namespace

TEST_CASE("a small template gets every default") {
  auto t = parsed(small);
  CHECK(t.id == 0);
  CHECK(t.name == "parcel");
  CHECK(t.namespace_name == "logistics");
  CHECK(t.version == "1.0.0");
  CHECK(t.identity == identity_strategy::strict);
  CHECK_FALSE(t.input_schema);
  CHECK_FALSE(t.lifecycle.max_duration);
  CHECK(t.lifecycle.action == staleness_action::dlq);
  CHECK(t.order == std::vector<std::uint16_t>{0, 1});
  REQUIRE(t.steps.size() == 2);
  const auto& step = t.steps[0];
  CHECK(step.type == step_type::standard);
  CHECK(step.handler.callable == "logistics.weigh");
  CHECK(step.handler.method == "call");
  CHECK(step.handler.resolver.empty());
  CHECK_FALSE(step.handler.initialization);
  CHECK(step.retry.retryable);
  CHECK(step.retry.max_attempts == 3);
  CHECK(step.retry.backoff == backoff_kind::exponential);
  CHECK_FALSE(step.retry.backoff_base_ms);
  CHECK_FALSE(step.timeout_seconds);
  CHECK(step.children == std::vector<std::uint16_t>{1});
  CHECK(t.steps[1].dependencies == std::vector<std::uint16_t>{0});
  CHECK(t.steps[1].ancestors == std::vector<std::uint16_t>{0});
  CHECK(t.digest == to_hex(sha256(t.document)));
  CHECK(
    t.document ==
    R"({"identity_strategy":"strict","name":"parcel","namespace_name":"logistics","steps":[)"
    R"({"dependencies":[],"handler":{"callable":"logistics.weigh","method":"call"},"name":"weigh",)"
    R"("retry":{"backoff":"exponential","max_attempts":3,"retryable":true},"type":"standard"},)"
    R"({"dependencies":["weigh"],"handler":{"callable":"logistics.book","method":"call"},"name":"book",)"
    R"("retry":{"backoff":"exponential","max_attempts":3,"retryable":true},"type":"standard"}],"version":"1.0.0"})");
}

TEST_CASE("a full template keeps everything") {
  auto t = parsed(full);
  CHECK(t.identity == identity_strategy::caller_provided);
  CHECK(t.description == "Everything at once");
  CHECK(
    t.input_schema.view() ==
    R"({"properties":{"album":{"maximum":100000000000000000000,"type":"string"}},"required":["album"],"type":"object"})");
  CHECK(t.lifecycle.max_duration == std::chrono::minutes{43'200});
  CHECK(t.lifecycle.max_steps_in_process == std::chrono::minutes{10});
  CHECK_FALSE(t.lifecycle.max_waiting_for_retry);
  CHECK_FALSE(t.lifecycle.max_waiting_for_dependencies);
  CHECK(t.lifecycle.action == staleness_action::dlq);
  REQUIRE(t.steps.size() == 6);
  const auto& publish = t.steps[0];
  CHECK(publish.type == step_type::deferred_convergence);
  CHECK(publish.dependencies == std::vector<std::uint16_t>{3, 5});
  CHECK(publish.ancestors == std::vector<std::uint16_t>{1, 2, 3, 4, 5});
  const auto& inspect = t.steps[1];
  CHECK(inspect.handler.method == "run");
  CHECK(inspect.handler.resolver == "special");
  CHECK(inspect.handler.initialization.view() == R"({"deep":[1,{"a":null}],"unit":"gram"})");
  CHECK(inspect.system_dependency == "disk");
  CHECK(inspect.timeout_seconds == 30);
  CHECK_FALSE(inspect.retry.retryable);
  CHECK(inspect.retry.max_attempts == 0);
  CHECK(inspect.retry.backoff == backoff_kind::fibonacci);
  CHECK(inspect.retry.backoff_base_ms == 1);
  CHECK(inspect.retry.max_backoff_ms == 3'600'000);
  REQUIRE(inspect.publishes_events.size() == 2);
  CHECK(inspect.publishes_events[0].name == "photo.inspected");
  CHECK(inspect.publishes_events[0].condition == event_condition::always);
  CHECK(inspect.publishes_events[0].delivery == delivery_mode::fast);
  CHECK(inspect.publishes_events[1].name == "photo.done");
  CHECK(inspect.publishes_events[1].condition == event_condition::success);
  CHECK(inspect.publishes_events[1].delivery == delivery_mode::durable);
  CHECK(inspect.result_schema.view() == R"({"type":"object"})");
  CHECK(inspect.children == std::vector<std::uint16_t>{2});
  CHECK(t.steps[2].type == step_type::decision);
  CHECK(t.steps[2].children == std::vector<std::uint16_t>{3, 4});
  REQUIRE(t.steps[5].batch);
  CHECK(t.steps[5].batch->batch_size == 250);
  CHECK(t.steps[5].batch->parallelism == 10);
  CHECK(t.steps[5].batch->cursor_field == "id");
  CHECK(t.steps[5].batch->failure_strategy == batch_failure_strategy::isolate);
  CHECK_FALSE(t.steps[4].batch);

  auto document = nlohmann::json::parse(t.document);
  CHECK(document["metadata"]["created_at"] == "2024-01-01");
  CHECK(document["system_dependencies"].dump() == R"({"primary":"disk","secondary":["mail"]})");
  CHECK(document["domain_events"][0]["name"] == "photo.seen");
  CHECK(document["lifecycle"].dump() == R"({"auto_fail_on_timeout":true,"max_duration_minutes":43200,)"
                                        R"("max_steps_in_process_minutes":10,"staleness_action":"dlq"})");
  CHECK(document["steps"][1]["publishes_events"].dump() ==
        R"([{"condition":"always","delivery_mode":"fast","description":"d","name":"photo.inspected","publisher":"p",)"
        R"("schema":{"type":"object"}},{"condition":"success","delivery_mode":"durable","description":"d",)"
        R"("name":"photo.done","schema":{}}])");
  CHECK(document["steps"][5]["batch_config"].dump() ==
        R"({"batch_size":250,"cursor_field":"id","failure_strategy":"isolate","parallelism":10,)"
        R"("worker_template":"chunk"})");
  CHECK(document["steps"][1]["composition"].dump() == R"({"any":["thing"]})");
  CHECK(document["environments"].dump() ==
        R"({"test":{"steps":[{"name":"ALL","retry":{"backoff":"exponential","max_attempts":1,"retryable":true},)"
        R"("timeout_seconds":5},{"handler":{"initialization":{"batch_size":3}},"name":"plan"}]}})");
  CHECK_FALSE(document.contains("task_handler"));
}

TEST_CASE("the document gives the same template again") {
  for (const auto& text : {small, full}) {
    auto first = parsed(text);
    auto second = parsed(first.document, template_format::json);
    CHECK(second.document == first.document);
    CHECK(second.digest == first.digest);
    CHECK(second.description == first.description);
    CHECK(second.identity == first.identity);
    CHECK(second.input_schema == first.input_schema);
    CHECK(second.lifecycle.max_duration == first.lifecycle.max_duration);
    CHECK(second.order == first.order);
    REQUIRE(second.steps.size() == first.steps.size());
    for (std::size_t i = 0; i < first.steps.size(); ++i) {
      CHECK(second.steps[i].name == first.steps[i].name);
      CHECK(second.steps[i].type == first.steps[i].type);
      CHECK(second.steps[i].dependencies == first.steps[i].dependencies);
      CHECK(second.steps[i].children == first.steps[i].children);
      CHECK(second.steps[i].ancestors == first.steps[i].ancestors);
      CHECK(second.steps[i].deciders == first.steps[i].deciders);
      CHECK(second.steps[i].segment == first.steps[i].segment);
      CHECK(second.steps[i].retry.max_attempts == first.steps[i].retry.max_attempts);
      CHECK(second.steps[i].handler.initialization == first.steps[i].handler.initialization);
      CHECK(second.steps[i].batch.has_value() == first.steps[i].batch.has_value());
      CHECK(second.steps[i].publishes_events.size() == first.steps[i].publishes_events.size());
    }
  }
}

TEST_CASE("the document of a full template is what it was when it was first stored") {
  CHECK(digest(full) == "5a094dc82577c4fb46277b2193e00e7707577aadff0a0c3c5459caad7250faa1");
}

TEST_CASE("only the meaning counts for the digest") {
  auto same = digest(small);
  CHECK(digest(R"({"version":"1.0.0","name":"parcel","namespace_name":"logistics","steps":[
      {"name":"weigh","handler":{"callable":"logistics.weigh"}},
      {"handler":{"callable":"logistics.book"},"dependencies":["weigh"],"name":"book"}]})",
               template_format::json) == same);
  CHECK(digest(R"(
# a comment
version: '1.0.0'
namespace_name: "logistics"
name: parcel
unknown: {key: 1}
description:
environments: {}
domain_events: []
identity_strategy: strict
steps:
  - name: weigh
    step_type: standard
    handler: {callable: logistics.weigh, method: call, initialization: {}}
    retry: {retryable: true, max_attempts: 3, backoff: exponential}
  - depends_on:
      - weigh
    name: book
    type: standard
    description: ""
    retry:
    publishes_events: []
    handler:
      callable: >-
        logistics.book
)") == same);

  auto diamond = [](const std::string& dependencies) {
    return digest("name: d\nnamespace_name: n\nversion: 1.0.0\nsteps:\n"
                  "  - {name: a, handler: {callable: x}}\n  - {name: b, handler: {callable: x}}\n"
                  "  - {name: c, handler: {callable: x}, dependencies: " +
                  dependencies + "}\n");
  };
  CHECK(diamond("[a, b]") == diamond("[b, a]"));
  CHECK(diamond("[a, b]") != diamond("[a]"));

  auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  };
  CHECK(digest(replaced(small, "1.0.0", "1.0.1")) != same);
  CHECK(digest(replaced(small, "logistics.book", "logistics.book2")) != same);
  CHECK(digest(small + "    retry: {max_attempts: 4}\n") != same);
  CHECK(digest(small + "    composition: 1\n") != same);
  CHECK(digest(small + "lifecycle: {}\n") != same);
  CHECK(digest(small + "metadata: {a: 1}\n") != same);
}

TEST_CASE("limits are inclusive") {
  auto with = [](const std::string& name, const std::string& callable, const std::string& ns) {
    return "name: " + name + "\nnamespace_name: " + ns + "\nversion: 1.0.0\nsteps: [{name: " + name +
           ", handler: {callable: " + callable + "}, timeout_seconds: 1, retry: {max_attempts: 100}}]\n";
  };
  std::string umlauts;
  for (int i = 0; i < 255; ++i)
    umlauts += "\u00e4";
  CHECK(parsed(with(umlauts, std::string(500, 'c'), std::string(63, 'n'))).name == umlauts);
  CHECK(parsed(with("a", "c", "_9")).namespace_name == "_9");
}

TEST_CASE("the switches of the lifecycle take the default action back") {
  auto action = [](const std::string& keys) { return parsed(small + "lifecycle: {" + keys + "}\n").lifecycle.action; };
  CHECK(action("") == staleness_action::dlq);
  CHECK(action("auto_fail_on_timeout: false") == staleness_action::dlq);
  CHECK(action("auto_dlq_on_timeout: true") == staleness_action::dlq);
  CHECK(action("auto_dlq_on_timeout: false") == staleness_action::error);
  CHECK(action("auto_dlq_on_timeout: false, auto_fail_on_timeout: true") == staleness_action::error);
  CHECK(action("auto_dlq_on_timeout: false, auto_fail_on_timeout: false") == staleness_action::none);
  CHECK(action("staleness_action: dlq, auto_dlq_on_timeout: false, auto_fail_on_timeout: false") ==
        staleness_action::none);
  CHECK(action("staleness_action: error, auto_dlq_on_timeout: false, auto_fail_on_timeout: false") ==
        staleness_action::error);
  CHECK(action("staleness_action: none, auto_fail_on_timeout: true") == staleness_action::none);
  auto t = parsed(small + "lifecycle: {max_waiting_for_dependencies_minutes: 1, max_waiting_for_retry_minutes: 2}\n");
  CHECK(t.lifecycle.max_waiting_for_dependencies == std::chrono::minutes{1});
  CHECK(t.lifecycle.max_waiting_for_retry == std::chrono::minutes{2});
}
