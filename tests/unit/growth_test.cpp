#include "workflow/acts.hpp"
#include "workflow/restore.hpp"
#include "workflow/templates/template_parser.hpp"
#include "workflow/turn.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

using namespace geartrain;

// How graphs grow, as text: every existing step with its state, after each turn. After every turn the task is also
// restored from what the turns would have written, and must be the same.

namespace {

const timestamp t0{std::chrono::seconds{1700000000}};

/// A task and the rows that its turns have written.
class task_under_test {
public:
  explicit task_under_test(const std::string& steps) {
    auto parsed = parse_template("name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n" + steps, template_format::yaml);
    if (auto* found = std::get_if<problems>(&parsed))
      FAIL((*found)[0].path << ": " << (*found)[0].message);
    task_input input;
    input.context = json_text{"{}"};
    context = new_task(make_task_id(milliseconds{1700000000000}, 1),
                       template_snapshot{std::get<task_template>(std::move(parsed))}, input_snapshot{input}, t0);
    rows.head.id = context->id;
    rows.head.created_at = t0;
    rows.input = *context->input;
    rows.head.state = context->state;
  }

  std::uint16_t number(const std::string& name) const {
    for (std::size_t i = 0; i < context->steps.size(); ++i)
      if (context->name_of(static_cast<std::uint16_t>(i + 1)) == name)
        return static_cast<std::uint16_t>(i + 1);
    FAIL("no step " << name);
    return 0;
  }

  step_outcome ended(const std::string& name, bool success, const std::string& result) const {
    step_report report;
    report.token.step = make_step_id(context->id, number(name));
    report.token.attempt = static_cast<std::uint16_t>(context->step(number(name)).attempts.size() + 1);
    report.token.nonce = report.token.attempt;
    report.success = success;
    report.retryable = false;
    (success ? report.result : report.error) = json_text{result};
    return classify(report, *context, t0, t0, {}, 0.5);
  }

  std::string turn(turn_causes causes) {
    auto effects = advance(*context, causes, rules, t0);
    if (context->blocking_failures() > 0)
      withdraw(*context, enqueued_steps(*context));
    turn_facts appended;
    appended.outcomes = causes.outcomes;
    appended.facts = effects.facts;
    auto record = close_turn(*context, appended, resting_state(*context), rules, t0);
    ++context->version;
    rows.version = context->version;
    if (record.writes_head)
      rows.head.version = context->version;
    rows.head.state = record.state;
    for (auto& outcome : causes.outcomes)
      outcome.version = context->version;
    for (auto& fact : effects.facts)
      fact.version = context->version;
    rows.attempts.insert(rows.attempts.end(), causes.outcomes.begin(), causes.outcomes.end());
    rows.facts.insert(rows.facts.end(), effects.facts.begin(), effects.facts.end());
    check_restored();
    return render(*context);
  }

  std::string succeed(const std::string& name, const std::string& result = "1") {
    turn_causes causes;
    causes.outcomes.push_back(ended(name, true, result));
    return turn(std::move(causes));
  }

  std::string fail(const std::string& name) {
    turn_causes causes;
    causes.outcomes.push_back(ended(name, false, R"({"message":"no"})"));
    return turn(std::move(causes));
  }

  std::string act(act_kind kind, const std::string& name, const std::string& result = "1") {
    turn_causes causes;
    causes.acts.push_back({kind, name.empty() ? std::uint16_t{0} : number(name), "ann", "test", json_text{result}, {}});
    auto why = check_act(*context, causes.acts[0], rules);
    return why ? why->message : turn(std::move(causes));
  }

  std::string choose(const std::string& name, const std::string& steps) {
    return succeed(name, R"({"decision_point_outcome":{"type":"create_steps","step_names":[)" + steps + "]}}");
  }

  std::string cut(const std::string& name, int batches) {
    std::string cursors;
    for (int i = 1; i <= batches; ++i)
      cursors += (i > 1 ? "," : "") + std::string{R"({"batch_id":")"} + std::to_string(i) +
                 R"(","start_cursor":0,"end_cursor":9,"batch_size":9})";
    return succeed(name,
                   R"({"batch_processing_outcome":{"type":"create_batches","cursor_configs":[)" + cursors + "]}}");
  }

  static std::string render(const task_context& context) {
    std::string text{to_string(context.state)};
    for (std::size_t i = 0; i < context.steps.size(); ++i) {
      auto n = static_cast<std::uint16_t>(i + 1);
      auto hidden = context.definition_of(n).type == step_type::batch_worker && !context.batch_of(n);
      if (context.steps[i].being == existence::exists && !hidden)
        text += " " + context.name_of(n) + "=" + std::string{to_string(context.steps[i].state)};
    }
    return text;
  }

  std::unique_ptr<task_context> context;
  task_rows rows;
  turn_rules rules;

private:
  void check_restored() {
    auto restored = restore_task(rows, context->definition, t0);
    CHECK(render(*restored) == render(*context));
    CHECK(restored->step_counts == context->step_counts);
    CHECK(restored->tolerated_failures == context->tolerated_failures);
    for (std::size_t i = 0; i < context->steps.size(); ++i) {
      INFO(context->name_of(static_cast<std::uint16_t>(i + 1)));
      CHECK(restored->steps[i].being == context->steps[i].being);
      if (context->steps[i].being == existence::exists)
        CHECK(restored->steps[i].remaining_parents == context->steps[i].remaining_parents);
    }
  }
};

constexpr auto approval = R"(
  - {name: validate, handler: {callable: x}}
  - {name: route, type: decision, dependencies: [validate], handler: {callable: x}}
  - {name: auto, dependencies: [route], handler: {callable: x}}
  - {name: manager, dependencies: [route], handler: {callable: x}}
  - {name: finance, dependencies: [route], handler: {callable: x}}
  - {name: finish, type: deferred_convergence, dependencies: [auto, manager, finance], handler: {callable: x}}
)";

std::string batch(const std::string& strategy, int parallelism) {
  return R"(
  - {name: plan, type: batchable, handler: {callable: x}}
  - {name: work, type: batch_worker, dependencies: [plan], handler: {callable: x},
     batch_config: {worker_template: work, parallelism: )" +
         std::to_string(parallelism) + ", failure_strategy: " + strategy + R"(}}
  - {name: sum, type: deferred_convergence, dependencies: [work], handler: {callable: x}}
  - {name: after, dependencies: [sum], handler: {callable: x}}
)";
}

} // namespace

TEST_CASE("a join waits for the chosen branches only") {
  task_under_test task{approval};
  CHECK(task.render(*task.context) == "steps_in_process validate=enqueued route=pending");
  task.succeed("validate");
  CHECK(task.choose("route", R"("manager","finance")") ==
        "steps_in_process validate=complete route=complete manager=enqueued finance=enqueued finish=pending");
  task.succeed("manager");
  CHECK(task.succeed("finance") ==
        "steps_in_process validate=complete route=complete manager=complete finance=complete finish=enqueued");
  CHECK(task.succeed("finish").starts_with("complete "));
}

TEST_CASE("without branches the join never comes into being") {
  task_under_test task{approval};
  task.succeed("validate");
  CHECK(task.succeed("route", R"({"decision_point_outcome":{"type":"no_branches"}})") ==
        "complete validate=complete route=complete");
}

TEST_CASE("a bad decision fails its step for good, with a reason") {
  task_under_test task{approval};
  task.succeed("validate");
  SUBCASE("an unknown step") {
    CHECK(task.choose("route", R"("nobody")") == "error validate=complete route=error");
  }
  SUBCASE("a step that is not below") {
    CHECK(task.choose("route", R"("validate")") == "error validate=complete route=error");
  }
  SUBCASE("no outcome at all") {
    CHECK(task.succeed("route", "{}") == "error validate=complete route=error");
  }
  CHECK(task.context->step(2).error.view().find("invalid_outcome") != std::string_view::npos);
  CHECK(task.act(act_kind::reset_step, "route") == "steps_in_process validate=complete route=enqueued");
  CHECK(task.choose("route", R"("auto")").starts_with("steps_in_process"));
}

TEST_CASE("nested decisions: only those of chosen branches come into being") {
  task_under_test task{R"(
  - {name: a, handler: {callable: x}}
  - {name: d1, type: decision, dependencies: [a], handler: {callable: x}}
  - {name: left, dependencies: [d1], handler: {callable: x}}
  - {name: right, dependencies: [d1], handler: {callable: x}}
  - {name: d2, type: decision, dependencies: [left], handler: {callable: x}}
  - {name: d3, type: decision, dependencies: [right], handler: {callable: x}}
  - {name: l1, dependencies: [d2], handler: {callable: x}}
  - {name: both, dependencies: [left, right], handler: {callable: x}}
  - {name: join, type: deferred_convergence, dependencies: [l1, right], handler: {callable: x}}
)"};
  task.succeed("a");
  CHECK(task.choose("d1", R"("left")") == "steps_in_process a=complete d1=complete left=enqueued d2=pending");
  task.succeed("left");
  CHECK(task.choose("d2", R"("l1")") ==
        "steps_in_process a=complete d1=complete left=complete d2=complete l1=enqueued join=pending");
  task.succeed("l1");
  CHECK(task.succeed("join") == "complete a=complete d1=complete left=complete d2=complete l1=complete join=complete");
}

TEST_CASE("a batch runs as many workers at a time as it may, then what joins it, then what follows") {
  task_under_test task{batch("continue_on_failure", 2)};
  CHECK(task.render(*task.context) == "steps_in_process plan=enqueued");
  CHECK(task.cut("plan", 3) == "steps_in_process plan=complete sum=pending after=pending work_1=enqueued "
                               "work_2=enqueued work_3=pending");
  CHECK(task.succeed("work_2") == "steps_in_process plan=complete sum=pending after=pending work_1=enqueued "
                                  "work_2=complete work_3=enqueued");
  task.succeed("work_3");
  CHECK(task.succeed("work_1") == "steps_in_process plan=complete sum=enqueued after=pending work_1=complete "
                                  "work_2=complete work_3=complete");
  task.succeed("sum");
  CHECK(task.succeed("after").starts_with("complete "));
}

TEST_CASE("no batches: one placeholder") {
  task_under_test task{batch("continue_on_failure", 2)};
  CHECK(task.succeed("plan", R"({"batch_processing_outcome":{"type":"no_batches"}})") ==
        "steps_in_process plan=complete sum=pending after=pending work_000=enqueued");
  CHECK(make_ready_step(*task.context, 5, t0)->inputs.view().find(R"("is_no_op":true)") != std::string_view::npos);
}

TEST_CASE("a failed worker, by strategy") {
  SUBCASE("continue_on_failure: the join sees it") {
    task_under_test task{batch("continue_on_failure", 9)};
    task.cut("plan", 2);
    task.fail("work_1");
    CHECK(task.succeed("work_2") == "steps_in_process plan=complete sum=enqueued after=pending work_1=error "
                                    "work_2=complete");
    CHECK(make_ready_step(*task.context, 3, t0)->dependency_results.size() == 3);
    CHECK(task.act(act_kind::reset_step, "work_1").find("joined already") != std::string::npos);
    task.succeed("sum");
    CHECK(task.succeed("after").starts_with("complete "));
  }
  SUBCASE("isolate: the join does not see it") {
    task_under_test task{batch("isolate", 9)};
    task.cut("plan", 2);
    task.fail("work_1");
    task.succeed("work_2");
    CHECK(make_ready_step(*task.context, 3, t0)->dependency_results.size() == 2);
  }
  SUBCASE("fail_fast: the others are cancelled, and a reset brings them back") {
    task_under_test task{batch("fail_fast", 9)};
    task.cut("plan", 3);
    task.succeed("work_1");
    CHECK(task.fail("work_2") == "error plan=complete sum=pending after=pending work_1=complete work_2=error "
                                 "work_3=cancelled");
    CHECK(task.act(act_kind::reset_step, "work_2") == "steps_in_process plan=complete sum=pending after=pending "
                                                      "work_1=complete work_2=enqueued work_3=enqueued");
  }
}

TEST_CASE("a join of a batch and a branch waits until both are known") {
  task_under_test task{R"(
  - {name: look, handler: {callable: x}}
  - {name: choose, type: decision, dependencies: [look], handler: {callable: x}}
  - {name: quick, dependencies: [choose], handler: {callable: x}}
  - {name: plan, type: batchable, dependencies: [choose], handler: {callable: x}}
  - {name: chunk, type: batch_worker, dependencies: [plan], handler: {callable: x}, batch_config: {worker_template: chunk}}
  - {name: publish, type: deferred_convergence, dependencies: [quick, chunk], handler: {callable: x}}
)"};
  task.succeed("look");
  CHECK(task.choose("choose", R"("quick","plan")") ==
        "steps_in_process look=complete choose=complete quick=enqueued plan=enqueued publish=pending");
  CHECK(task.succeed("quick") ==
        "steps_in_process look=complete choose=complete quick=complete plan=enqueued publish=pending");
  task.cut("plan", 1);
  CHECK(task.succeed("chunk_1") == "steps_in_process look=complete choose=complete quick=complete plan=complete "
                                   "publish=enqueued chunk_1=complete");
}

TEST_CASE("a decision may ask for a step whose other dependency never comes, whoever spoke first") {
  for (bool last : {true, false}) {
    task_under_test task{R"(
  - {name: look, handler: {callable: x}}
  - {name: first, type: decision, dependencies: [look], handler: {callable: x}}
  - {name: branch, dependencies: [first], handler: {callable: x}}
  - {name: second, type: decision, dependencies: [look], handler: {callable: x}}
  - {name: end, dependencies: [branch, second], handler: {callable: x}}
)"};
    task.succeed("look");
    if (last)
      task.choose("first", "");
    task.choose("second", R"("end")");
    if (!last)
      task.choose("first", "");
    CHECK(task.render(*task.context) == "steps_in_process look=complete first=complete second=complete end=enqueued");
  }
}

TEST_CASE("a step below a decision and a branch of a decision below that one needs no asking for") {
  task_under_test task{R"(
  - {name: look, handler: {callable: x}}
  - {name: outer, type: decision, dependencies: [look], handler: {callable: x}}
  - {name: inner, type: decision, dependencies: [outer], handler: {callable: x}}
  - {name: branch, dependencies: [inner], handler: {callable: x}}
  - {name: end, dependencies: [outer, branch], handler: {callable: x}}
)"};
  task.succeed("look");
  task.choose("outer", R"("inner")");
  CHECK(task.choose("inner", R"("branch")") ==
        "steps_in_process look=complete outer=complete inner=complete branch=enqueued end=pending");
  CHECK(task.succeed("branch").ends_with(" branch=complete end=enqueued"));
}

TEST_CASE("workers of a batch wait for other batches, and do without those that never come") {
  const std::string read = R"(
  - {name: plan, type: batchable, handler: {callable: x}}
  - {name: read, type: batch_worker, dependencies: [plan], handler: {callable: x}, batch_config: {worker_template: read}}
)";
  const std::string rest = R"(, read], handler: {callable: x}, batch_config: {worker_template: write}}
  - {name: sum, type: deferred_convergence, dependencies: [write], handler: {callable: x}}
)";
  task_under_test waiting{read + "  - {name: other, type: batchable, handler: {callable: x}}\n" +
                          "  - {name: write, type: batch_worker, dependencies: [other" + rest};
  waiting.cut("plan", 1);
  waiting.succeed("read_1");
  CHECK(waiting.cut("other", 1) ==
        "steps_in_process plan=complete other=complete sum=pending read_1=complete write_1=enqueued");

  task_under_test without{read + "  - {name: write, type: batch_worker, dependencies: [plan" + rest};
  CHECK(without.succeed("plan", R"({"batch_processing_outcome":{"type":"create_batches",
    "worker_template_name":"write","cursor_configs":[{"batch_id":"1","start_cursor":0,"end_cursor":9,"batch_size":9}]}})") ==
        "steps_in_process plan=complete sum=pending write_1=enqueued");
}

TEST_CASE("operators end, repeat and cancel steps") {
  task_under_test task{approval};
  CHECK(task.act(act_kind::resolve_step, "validate") == "steps_in_process validate=resolved_manually route=enqueued");
  CHECK(task.act(act_kind::resolve_step, "validate").find("already") != std::string::npos);
  CHECK(task.act(act_kind::reset_step, "route").find("only a failed one") != std::string::npos);
  CHECK(task.act(act_kind::complete_step, "route",
                 R"({"decision_point_outcome":{"type":"create_steps","step_names":["auto"]}})") ==
        "steps_in_process validate=resolved_manually route=complete auto=enqueued finish=pending");
  CHECK(task.fail("auto") == "error validate=resolved_manually route=complete auto=error finish=pending");
  CHECK(task.act(act_kind::complete_step, "auto") ==
        "steps_in_process validate=resolved_manually route=complete auto=complete finish=enqueued");
  CHECK(task.act(act_kind::cancel_task, "") ==
        "cancelled validate=resolved_manually route=complete auto=complete finish=cancelled");
  CHECK(task.act(act_kind::cancel_task, "").find("already") != std::string::npos);
}
