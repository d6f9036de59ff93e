#include "workflow/templates/template_parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace geartrain;

namespace {

constexpr const char* head = "name: t\nnamespace_name: n\nversion: 1.0.0\n"; // lines 1 to 3
constexpr const char* good_steps = "steps: [{name: a, handler: {callable: c}}]\n";

/// Problems as lines "path @line: message".
std::string render(const problems& found) {
  std::string out;
  for (const auto& one : found)
    out += one.path + " @" + std::to_string(one.line.value_or(0)) + ": " + one.message + "\n";
  return out;
}

std::string refusal(const std::string& text, template_format format = template_format::yaml) {
  auto result = parse_template(text, format);
  const auto* found = std::get_if<problems>(&result);
  return found ? render(*found) : "ok\n";
}

struct row {
  std::string text;
  std::string place;   ///< "path @line"
  std::string message; ///< part of the message
};

/// Each text has exactly one problem.
void check_rows(const std::vector<row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.text);
    auto found = refusal(row.text);
    CAPTURE(found);
    CHECK(found.starts_with(row.place + ": "));
    CHECK(found.find(row.message) != std::string::npos);
    CHECK(found.find('\n') == found.size() - 1);
  }
}

/// A template with one step whose keys behind name and handler are `keys`, one a line from line 7 on.
std::string with_step(const std::string& keys) {
  std::string text = std::string(head) + "steps:\n  - name: a\n    handler: {callable: c}\n";
  std::string indented = "    ";
  for (auto c : keys)
    indented += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return text + indented + "\n";
}

} // namespace

TEST_CASE("problems of the whole template") {
  const std::string long_name(256, 'x');
  auto with = [](const std::string& name, const std::string& ns, const std::string& version) {
    return "name: " + name + "\nnamespace_name: " + ns + "\nversion: " + version + "\n" + good_steps;
  };
  auto plus = [](const std::string& keys) { return std::string(head) + good_steps + keys; };
  check_rows({
    {"[1, 2]", " @1", "must be a mapping with name, namespace_name, version and steps, not a list"},
    {"just text", " @1", "must be a mapping with name"},
    {"namespace_name: n\nversion: 1.0.0\nsteps: [{name: a, handler: {callable: c}}]", "name @1", "is required; add"},
    {"name: t\nversion: 1.0.0\nsteps: [{name: a, handler: {callable: c}}]", "namespace_name @1", "is required; add"},
    {"name: t\nnamespace_name: n\nsteps: [{name: a, handler: {callable: c}}]", "version @1", "is required; add"},
    {"name: t\nnamespace_name: n\nversion:\nsteps: [{name: a, handler: {callable: c}}]", "version @3", "is required"},
    {head, "steps @1", "is required; add `steps`: a list of at least one step"},
    {std::string(head) + "steps: []", "steps @4", "is empty; a template needs at least one step"},
    {std::string(head) + "steps: {a: 1}", "steps @4", "must be a list, not a mapping"},
    {std::string(head) + "steps: [a]", "steps[0] @4", "must be a mapping, not a string"},
    {with("''", "n", "1.0.0"), "name @1", "must have 1 to 255 characters; it is empty"},
    {with(long_name, "n", "1.0.0"), "name @1", "must have 1 to 255 characters; it has 256, shorten it"},
    {with("12", "n", "1.0.0"), "name @1", "must be a string, not a whole number; put it in quotes"},
    {with("[a]", "n", "1.0.0"), "name @1", "must be a string, not a list"},
    {with("t", "9n", "1.0.0"), "namespace_name @2", "must be made of letters, digits and _"},
    {with("t", "a-b", "1.0.0"), "namespace_name @2", "must be made of letters, digits and _"},
    {with("t", "\u00e4", "1.0.0"), "namespace_name @2", "must be made of letters, digits and _"},
    {with("t", std::string(64, 'n'), "1.0.0"), "namespace_name @2", "must have 1 to 63 characters; it has 64"},
    {with("t", "n", "1.0"), "version @3", "must be a string, not a number; put it in quotes"},
    {with("t", "n", "'1.0'"), "version @3", "'1.0' is no semantic version"},
    {with("t", "n", "v1.0.0"), "version @3", "'v1.0.0' is no semantic version"},
    {with("t", "n", "01.0.0"), "version @3", "'01.0.0' is no semantic version"},
    {with("t", "n", "1.0.0-" + std::string(45, 'x')), "version @3", "must have 1 to 50 characters; it has 51"},
    {plus("description: 5"), "description @5", "must be a string, not a whole number; put it in quotes"},
    {plus("identity_strategy: unique"), "identity_strategy @5",
     "'unique' is not known; use one of: strict, caller_provided, always_unique"},
    {plus("identity_strategy: true"), "identity_strategy @5", "must be a string, not true or false"},
    {plus("metadata: me"), "metadata @5", "must be a mapping, not a string"},
    {plus("system_dependencies:\n  primary: 1"), "system_dependencies.primary @6", "must be a string"},
    {plus("system_dependencies:\n  secondary: [a, 2]"), "system_dependencies.secondary[1] @6", "must be a string"},
    {plus("domain_events:\n  - description: d"), "domain_events[0].name @6", "is required"},
    {plus("domain_events: {a: 1}"), "domain_events @5", "must be a list, not a mapping"},
    {plus("input_schema: true"), "input_schema @5", "must be a mapping, not true or false"},
    {plus("input_schema:\n  type: object\n  properties:\n    amount:\n      type: numbr"),
     "input_schema.properties.amount.type @9", "must be one of: null, boolean, integer, number"},
    {plus("input_schema:\n  required:\n    - a\n    - 1"), "input_schema.required[1] @8", "must be a property name"},
    {plus("input_schema:\n  $ref: http://example.com/x.json"), "input_schema.$ref @6", "nothing is fetched"},
    {plus("lifecycle: 5"), "lifecycle @5", "must be a mapping"},
    {plus("lifecycle:\n  max_duration_minutes: 43201"), "lifecycle.max_duration_minutes @6",
     "must be a whole number from 1 to 43200; 43201 is outside"},
    {plus("lifecycle:\n  max_waiting_for_retry_minutes: 0"), "lifecycle.max_waiting_for_retry_minutes @6", "from 1 to"},
    {plus("lifecycle:\n  max_waiting_for_dependencies_minutes: 10081"),
     "lifecycle.max_waiting_for_dependencies_minutes @6", "from 1 to 10080"},
    {plus("lifecycle:\n  max_steps_in_process_minutes: x"), "lifecycle.max_steps_in_process_minutes @6",
     "must be a whole number from 1 to 10080, not a string; write it without quotes"},
    {plus("lifecycle:\n  staleness_action: retry"), "lifecycle.staleness_action @6", "use one of: dlq, error, none"},
    {plus("lifecycle:\n  auto_dlq_on_timeout: yes"), "lifecycle.auto_dlq_on_timeout @6", "must be true or false"},
    {plus("environments: [test]"), "environments @5", "must be a mapping, not a list"},
    {plus("environments:\n  test: 1"), "environments.test @6", "must be a mapping"},
    {plus("environments:\n  test:\n    steps: a"), "environments.test.steps @7", "must be a list"},
    {plus("environments:\n  test:\n    steps:\n      - timeout_seconds: 1"), "environments.test.steps[0].name @8",
     "is required"},
    {plus("environments:\n  test:\n    steps:\n      - name: b"), "environments.test.steps[0].name @8",
     "there is no step 'b'"},
    {plus("environments:\n  test:\n    steps:\n      - name: a\n        retry: {max_attempts: 101}"),
     "environments.test.steps[0].retry.max_attempts @9", "from 0 to 100"},
    {plus("environments:\n  test:\n    steps:\n      - name: ALL\n        handler: {initialization: 1}"),
     "environments.test.steps[0].handler.initialization @9", "must be a mapping"},
    {plus("name: again"), "name @5", "the key 'name' is given twice, first on line 1"},
  });
}

TEST_CASE("problems of a step") {
  auto step = [](const std::string& line) { return std::string(head) + "steps:\n  - " + line + "\n"; };
  check_rows({
    {step("handler: {callable: c}"), "steps[0].name @5", "is required"},
    {step("{name: a}"), "steps[0].handler @5", "is required; add `handler`: a mapping with at least `callable`"},
    {step("{name: a, handler: c}"), "steps[0].handler @5", "must be a mapping, not a string"},
    {step("{name: a, handler: {method: m}}"), "steps[0].handler.callable @5", "is required"},
    {step("{name: a, handler: {callable: ''}}"), "steps[0].handler.callable @5", "it is empty"},
    {step("{name: a, handler: {callable: " + std::string(501, 'c') + "}}"), "steps[0].handler.callable @5",
     "must have 1 to 500 characters"},
    {step("{name: a, handler: {callable: c, method: 1}}"), "steps[0].handler.method @5", "must be a string"},
    {step("{name: a, handler: {callable: c, resolver: [r]}}"), "steps[0].handler.resolver @5", "must be a string"},
    {step("{name: a, handler: {callable: c, initialization: x}}"), "steps[0].handler.initialization @5",
     "must be a mapping"},
    {step("{name: 5, handler: {callable: c}}"), "steps[0].name @5", "must be a string, not a whole number"},
    {step("{name: " + std::string(256, 'n') + ", handler: {callable: c}}"), "steps[0].name @5", "it has 256"},
    {with_step("type: decision_point\ndependencies: []"), "steps[0].type @7",
     "'decision_point' is not known; use one of: standard, decision, deferred_convergence, batchable, batch_worker"},
    {with_step("step_type: deferred"), "steps[0].step_type @7", "'deferred' is not known"},
    {with_step("type: standard\nstep_type: standard"), "steps[0].step_type @8", "means the same as `type`"},
    {with_step("dependencies: []\ndepends_on: []"), "steps[0].depends_on @8", "means the same as `dependencies`"},
    {with_step("type: decision"), "steps[0].dependencies @5", "a decision needs at least one dependency"},
    {with_step("type: decision\ndepends_on: []"), "steps[0].depends_on @8", "a decision needs at least one"},
    {with_step("dependencies: b"), "steps[0].dependencies @7", "must be a list, not a string"},
    {with_step("dependencies: [1]"), "steps[0].dependencies[0] @7",
     "must be a string: the name of a step, not a whole"},
    {with_step("dependencies: [b]"), "steps[0].dependencies[0] @7", "there is no step 'b'; correct the name or add"},
    {with_step("dependencies:\n  - a"), "steps[0].dependencies[0] @8", "the step 'a' depends on itself"},
    {with_step("description: [a]"), "steps[0].description @7", "must be a string"},
    {with_step("system_dependency: 1"), "steps[0].system_dependency @7", "must be a string"},
    {with_step("timeout_seconds: 0"), "steps[0].timeout_seconds @7", "must be a whole number from 1 to"},
    {with_step("timeout_seconds: -1"), "steps[0].timeout_seconds @7", "-1 is outside"},
    {with_step("timeout_seconds: 1.5"), "steps[0].timeout_seconds @7", "not a number"},
    {with_step("timeout_seconds: '5'"), "steps[0].timeout_seconds @7", "not a string; write it without quotes"},
    {with_step("timeout_seconds: 18446744073709551615"), "steps[0].timeout_seconds @7",
     "18446744073709551615 is outside"},
    {with_step("retry: true"), "steps[0].retry @7", "must be a mapping"},
    {with_step("retry:\n  retryable: 1"), "steps[0].retry.retryable @8", "must be true or false, not a whole number"},
    {with_step("retry:\n  max_attempts: 101"), "steps[0].retry.max_attempts @8", "from 0 to 100; 101 is outside"},
    {with_step("retry:\n  max_attempts: -1"), "steps[0].retry.max_attempts @8", "from 0 to 100; -1 is outside"},
    {with_step("retry:\n  backoff: quadratic"), "steps[0].retry.backoff @8",
     "use one of: none, linear, exponential, fibonacci"},
    {with_step("retry:\n  backoff_base_ms: 0"), "steps[0].retry.backoff_base_ms @8", "from 1 to 3600000"},
    {with_step("retry:\n  max_backoff_ms: 3600001"), "steps[0].retry.max_backoff_ms @8", "3600001 is outside"},
    {with_step("type: deferred_convergence"), "steps[0].dependencies @5",
     "a deferred_convergence needs at least one dependency"},
    {with_step("batch_config: {}"), "steps[0].batch_config.worker_template @7", "is required"},
    {with_step("batch_config:\n  worker_template: b"), "steps[0].batch_config.worker_template @8",
     "'b' is no step of type batch_worker"},
    {with_step("batch_config:\n  worker_template: a"), "steps[0].batch_config.worker_template @8",
     "'a' is no step of type batch_worker"},
    {with_step("publishes_events:\n  - {description: d, schema: {}}"), "steps[0].publishes_events[0].name @8",
     "is required"},
    {with_step("publishes_events:\n  - {name: e, schema: {}}"), "steps[0].publishes_events[0].description @8",
     "is required"},
    {with_step("publishes_events:\n  - {name: e, description: d}"), "steps[0].publishes_events[0].schema @8",
     "is required"},
    {with_step("publishes_events:\n  - {name: Order.Done, description: d, schema: {}}"),
     "steps[0].publishes_events[0].name @8", "must be made of lower-case letters"},
    {with_step("publishes_events:\n  - {name: a..b, description: d, schema: {}}"),
     "steps[0].publishes_events[0].name @8", "must be made of lower-case letters"},
    {with_step("publishes_events:\n  - {name: e, description: d, schema: {}, condition: never}"),
     "steps[0].publishes_events[0].condition @8", "use one of: success, failure"},
    {with_step("publishes_events:\n  - {name: e, description: d, schema: {}, delivery_mode: slow}"),
     "steps[0].publishes_events[0].delivery_mode @8", "use one of: durable, fast, broadcast"},
    {with_step("publishes_events:\n  - name: e\n    description: d\n    schema:\n      type: x"),
     "steps[0].publishes_events[0].schema.type @11", "must be one of: null"},
    {with_step("result_schema:\n  items: 5"), "steps[0].result_schema.items @8", "must be a schema"},
  });
}

TEST_CASE("problems of batches") {
  // A batchable step with these keys from line 6 on, and its worker with those from line 15 on.
  auto batch = [](const std::string& plan, const std::string& worker, const std::string& dependencies = "[plan]") {
    return std::string(head) +
           "steps:\n  - name: plan\n    type: batchable\n    handler: {callable: c, initialization: {" + plan +
           "}}\n  - name: other\n    handler: {callable: c}\n  - name: work\n    type: batch_worker\n" +
           "    dependencies: " + dependencies + "\n    handler: {callable: c}\n" + worker;
  };
  const std::string config = "    batch_config:\n      worker_template: work\n      ";
  const std::string all_in_test = "environments:\n  test:\n    steps:\n      - name: ALL\n        handler:\n"
                                  "          initialization: {worker_template_name: other}\n";
  check_rows({
    {batch("", ""), "steps[2].batch_config @10", "is required"},
    {batch("", config + "batch_size: 100001"), "steps[2].batch_config.batch_size @16", "from 1 to 100000"},
    {batch("", config + "parallelism: 0"), "steps[2].batch_config.parallelism @16", "from 1 to 1000"},
    {batch("", config + "cursor_field: 1"), "steps[2].batch_config.cursor_field @16", "must be a string"},
    {batch("", config + "failure_strategy: stop"), "steps[2].batch_config.failure_strategy @16",
     "use one of: continue_on_failure, fail_fast, isolate"},
    {batch("", config, "[]"), "steps[2].dependencies @12", "a batch_worker needs a batchable step among its"},
    {batch("", config, "[other]"), "steps[2].dependencies @12", "a batch_worker needs a batchable step among its"},
    {batch("", config, "[zz]"), "steps[2].dependencies[0] @12", "there is no step 'zz'"},
    {batch("worker_template_name: b", config), "steps[0].handler.initialization.worker_template_name @7",
     "'b' is no step of type batch_worker"},
    {batch("worker_template_name: 1", config), "steps[0].handler.initialization.worker_template_name @7",
     "'' is no step of type batch_worker"},
    {batch("worker_template_name: work", config, "[plan2]") +
       "\n  - {name: plan2, type: batchable, handler: {callable: c}}\n",
     "steps[0].handler.initialization.worker_template_name @7",
     "'work' does not depend on 'plan'; add it to the dependencies of 'work'"},
    {batch("worker_template_name: work", config) + "\n" + all_in_test,
     "environments.test.steps[0].handler.initialization.worker_template_name @22",
     "'other' is no step of type batch_worker"},
  });
  CHECK(refusal(batch("worker_template_name: work", config, "[other, plan]")) == "ok\n");
  CHECK(refusal(std::string(head) + good_steps + all_in_test) == "ok\n");
}

TEST_CASE("problems between steps") {
  auto steps = [](const std::string& lines) { return std::string(head) + "steps:\n" + lines; };
  check_rows({
    {steps("  - {name: a, handler: {callable: c}}\n  - {name: b, handler: {callable: c}}\n"
           "  - name: a\n    handler: {callable: c}\n"),
     "steps[2].name @7", "the name 'a' is used already on line 5; give this step another name"},
    {steps(
       "  - {name: a, handler: {callable: c}}\n  - {name: b, handler: {callable: c},\n     dependencies: [a,\n a]}\n"),
     "steps[1].dependencies[1] @8", "the dependency 'a' is given twice"},
    {steps("  - {name: a, handler: {callable: c}, dependencies: [c]}\n"
           "  - {name: b, handler: {callable: c}, dependencies: [a]}\n"
           "  - {name: c, handler: {callable: c}, dependencies: [b]}\n"),
     "steps[0].dependencies[0] @5",
     "these steps depend on each other in a circle, each on the next: a -> c -> b -> a; remove one of these"},
  });
}

TEST_CASE("every problem is reported at once, in the order of the lines") {
  CHECK(refusal(R"(name: ''
namespace_name: 9
version: one
lifecycle: {staleness_action: x, max_duration_minutes: 0}
steps:
  - name: a
    type: decision
    retry: {max_attempts: many}
  - name: a
    handler: {callable: c}
    dependencies: [zz, a, zz]
  - handler: {}
)") == "name @1: must have 1 to 255 characters; it is empty\n"
       "namespace_name @2: must be a string, not a whole number; put it in quotes\n"
       "version @3: 'one' is no semantic version; write three numbers such as \"1.0.0\"\n"
       "lifecycle.staleness_action @4: 'x' is not known; use one of: dlq, error, none\n"
       "lifecycle.max_duration_minutes @4: must be a whole number from 1 to 43200; 0 is outside\n"
       "steps[0].handler @6: is required; add `handler`: a mapping with at least `callable`\n"
       "steps[0].dependencies @6: a decision needs at least one dependency; name the step that it decides after\n"
       "steps[0].retry.max_attempts @8: must be a whole number from 0 to 100, not a string; write it without quotes\n"
       "steps[1].name @9: the name 'a' is used already on line 6; give this step another name\n"
       "steps[1].dependencies[0] @11: there is no step 'zz'; correct the name or add the step\n"
       "steps[1].dependencies[1] @11: the step 'a' depends on itself; remove this dependency\n"
       "steps[1].dependencies[2] @11: the dependency 'zz' is given twice; remove one of them\n"
       "steps[2].name @12: is required; add `name`: a name that no other step of the template has\n"
       "steps[2].handler.callable @12: is required; add `callable`: the name that workers register the handler "
       "under\n");
}

TEST_CASE("JSON has no lines, and a flood of problems is cut") {
  CHECK(
    refusal(R"({"name":"t","namespace_name":"n","version":"1.0.0","steps":[{"name":"a"}]})", template_format::json) ==
    "steps[0].handler @0: is required; add `handler`: a mapping with at least `callable`\n");
  CHECK(refusal("{\"name\":", template_format::json).starts_with(" @0: the text is not valid JSON: "));

  std::string flood = std::string(head) + "steps:\n";
  for (int i = 0; i < 2000; ++i)
    flood += "  - {name: s" + std::to_string(i) + "}\n";
  auto result = parse_template(flood, template_format::yaml);
  const auto& found = std::get<problems>(result);
  CHECK(found.size() == 1001);
  CHECK(found.back().message == "there are 1000 more problems; correct these first");
}
