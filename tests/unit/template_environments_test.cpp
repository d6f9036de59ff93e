#include "workflow/templates/template_parser.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace geartrain;

namespace {

const std::string text = R"(
name: parcel
namespace_name: logistics
version: "1.0.0"
steps:
  - name: weigh
    handler: {callable: logistics.weigh, initialization: {unit: gram, deep: {a: 1, b: 2}}}
    timeout_seconds: 30
    retry: {max_attempts: 7, backoff: linear, backoff_base_ms: 100}
  - name: book
    dependencies: [weigh]
    handler: {callable: logistics.book}
  - name: plan
    type: batchable
    handler: {callable: logistics.plan, initialization: {worker_template_name: pack}}
  - name: pack
    type: batch_worker
    dependencies: [plan]
    handler: {callable: logistics.pack}
    batch_config: {worker_template: pack}
environments:
  test:
    steps:
      - {name: weigh, timeout_seconds: 2, handler: {initialization: {unit: ounce, deep: {c: 3}}}}
      - {name: ALL, timeout_seconds: 5, retry: {max_attempts: 1}, handler: {initialization: {unit: stone, mock: true}}}
      - {name: book, retry: {retryable: false}}
      - {name: weigh, handler: {initialization: {unit: ~}}}
  calm:
    steps:
      - {name: book, timeout_seconds: 9}
  empty: {}
  nothing:
)";

task_template parsed(std::string_view environment, std::string_view given = text,
                     template_format format = template_format::yaml) {
  auto result = parse_template(given, format, environment);
  if (const auto* found = std::get_if<problems>(&result))
    for (const auto& one : *found)
      FAIL(one.path << " @" << one.line.value_or(0) << ": " << one.message);
  return std::get<task_template>(std::move(result));
}

} // namespace

TEST_CASE("overrides for all steps come first, then those of single steps") {
  auto t = parsed("test");
  const auto& weigh = t.steps[0];
  CHECK(weigh.timeout_seconds == 2);
  CHECK(weigh.retry.max_attempts == 1);
  CHECK(weigh.retry.backoff == backoff_kind::exponential);
  CHECK_FALSE(weigh.retry.backoff_base_ms);
  CHECK(weigh.handler.initialization.view() == R"({"deep":{"c":3},"mock":true,"unit":null})");
  const auto& book = t.steps[1];
  CHECK(book.timeout_seconds == 5);
  CHECK_FALSE(book.retry.retryable);
  CHECK(book.retry.max_attempts == 3);
  CHECK(book.handler.initialization.view() == R"({"mock":true,"unit":"stone"})");
  CHECK(t.steps[2].handler.initialization.view() == R"({"mock":true,"unit":"stone","worker_template_name":"pack"})");
}

TEST_CASE("what an environment does not mention stays") {
  auto plain = parsed("");
  auto calm = parsed("calm");
  CHECK(calm.steps[1].timeout_seconds == 9);
  CHECK(calm.steps[1].retry.max_attempts == 3);
  CHECK_FALSE(calm.steps[1].handler.initialization);
  for (const auto* environment : {"", "calm", "empty", "nothing", "production"}) {
    CAPTURE(environment);
    auto t = parsed(environment);
    CHECK(t.steps[0].timeout_seconds == 30);
    CHECK(t.steps[0].retry.max_attempts == 7);
    CHECK(t.steps[0].retry.backoff_base_ms == 100);
    CHECK(t.steps[0].handler.initialization == plain.steps[0].handler.initialization);
    CHECK(t.steps[0].handler.initialization.view() == R"({"deep":{"a":1,"b":2},"unit":"gram"})");
  }
}

TEST_CASE("the document and its digest are those of the whole template in every environment") {
  auto plain = parsed("");
  auto test = parsed("test");
  CHECK(test.document == plain.document);
  CHECK(test.digest == plain.digest);
  auto again = parsed("test", test.document, template_format::json);
  CHECK(again.document == test.document);
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    CHECK(again.steps[i].handler.initialization == test.steps[i].handler.initialization);
    CHECK(again.steps[i].timeout_seconds == test.steps[i].timeout_seconds);
    CHECK(again.steps[i].retry.max_attempts == test.steps[i].retry.max_attempts);
    CHECK(again.steps[i].retry.retryable == test.steps[i].retry.retryable);
  }
}

TEST_CASE("an environment that would fill the memory is refused where it is used") {
  std::string large = "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n";
  for (int i = 0; i < 150; ++i)
    large += "  - {name: s" + std::to_string(i) + ", handler: {callable: c}}\n";
  large +=
    "environments: {huge: {steps: [{name: ALL, handler: {initialization: {k: " + std::string(500'000, 'x') + "}}}]}}\n";
  CHECK(parsed("other", large).steps.size() == 150);
  auto result = parse_template(large, template_format::yaml, "huge");
  const auto* found = std::get_if<problems>(&result);
  REQUIRE(found);
  CHECK(found->front().path == "environments");
  CHECK(found->front().message.find("more than 67108864 bytes in the environment 'huge'") != std::string::npos);
}
