#include "bench/samples.hpp"

#include "workflow/templates/template_parser.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace geartrain::bench {

timestamp noon() {
  return timestamp{std::chrono::seconds{1'763'000'000}};
}

task_id task_number(std::uint32_t n) {
  return make_task_id(noon().time_since_epoch() + std::chrono::microseconds{n}, std::uint64_t{n} << 16);
}

std::string object_of(std::size_t bytes) {
  std::string text = "{";
  for (int i = 1000; text.size() + 2 < bytes; ++i) {
    if (text.size() > 1)
      text += ',';
    text += "\"field_" + std::to_string(i) + R"(":{"amount":12.5,"name":"a \"name\"","ok":true})";
  }
  return text + "}";
}

template_snapshot template_of(std::string_view yaml) {
  auto parsed = parse_template(yaml, template_format::yaml);
  if (auto* found = std::get_if<problems>(&parsed)) {
    std::fprintf(stderr, "%s %s\n", found->front().path.c_str(), found->front().message.c_str());
    std::exit(1);
  }
  return template_snapshot{std::move(std::get<task_template>(parsed))};
}

template_snapshot linear_4() {
  return template_of(R"(
name: linear
namespace_name: bench
version: "1.0.0"
identity_strategy: always_unique
steps:
  - name: square_1
    handler: {callable: bench.square}
  - name: square_2
    dependencies: [square_1]
    handler: {callable: bench.square, initialization: {of: square_1}}
  - name: square_3
    dependencies: [square_2]
    handler: {callable: bench.square, initialization: {of: square_2}}
  - name: square_4
    dependencies: [square_3]
    handler: {callable: bench.square, initialization: {of: square_3}}
)");
}

input_snapshot input_of(std::size_t context_bytes) {
  task_input input;
  input.context = json_text{object_of(context_bytes)};
  input.initiator = "bench";
  input.source_system = "bench";
  input.reason = "to see what it costs";
  input.correlation_id = task_number(1);
  input.requested_at = noon();
  return input_snapshot{std::move(input)};
}

step_report success_of(const task_id& task, std::uint16_t number, json_text result) {
  step_report report;
  report.token.step = make_step_id(task, number);
  report.token.attempt = 1;
  report.token.nonce = 0xfedcba9876543210ULL;
  report.worker = "worker-1";
  report.success = true;
  report.result = std::move(result);
  report.execution_time_ms = 3;
  return report;
}

turn_record run_turn(task_context& context, std::uint16_t number, json_text result, timestamp now) {
  mark_started(context, number, now);
  turn_causes causes;
  causes.outcomes.push_back(classify(success_of(context.id, number, std::move(result)), context, now, now, {}, 0.5));
  for (auto enqueued : advance(context, causes, {}, now).enqueued)
    benchmark::DoNotOptimize(make_ready_step(context, enqueued, now));
  turn_facts appended;
  appended.outcomes = std::move(causes.outcomes);
  return close_turn(context, std::move(appended), resting_state(context), {}, now);
}

turn_record record_of(const task_id& task, std::uint16_t number, std::size_t result_bytes) {
  turn_record record;
  record.task = task;
  record.expected_version = number - 1;
  record.writes_head = number == 4; // as the last one does
  record.steps_total = 4;
  record.steps_completed = number;
  record.state_since = record.now = noon();
  record.deadline_at = noon() + std::chrono::hours{1};
  step_outcome outcome;
  outcome.number = number;
  outcome.attempt = 1;
  outcome.lease_nonce = 0xfedcba9876543210ULL;
  outcome.claimed_at = outcome.finished_at = noon();
  outcome.worker = "worker-1";
  outcome.execution_time_ms = 3;
  outcome.result = json_text{object_of(result_bytes)};
  record.appended.outcomes.push_back(std::move(outcome));
  return record;
}

} // namespace geartrain::bench
