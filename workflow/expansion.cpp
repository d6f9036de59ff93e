#include "workflow/expansion.hpp"

#include "workflow/batches.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace geartrain {

namespace {

using nlohmann::json;

/// What a step asks for, checked: one of the two, or neither.
struct request {
  std::optional<std::vector<std::uint16_t>> chosen;
  std::optional<std::pair<std::uint16_t, batch_outcome>> batch;
};

expected<request> read_decision(const task_context& context, std::uint16_t number, const json_text& result,
                                const growth_limits& limits, bool may_be_missing) {
  decision_outcome outcome;
  if (!may_be_missing || has_decision_outcome(result)) {
    auto read = read_decision_outcome(result);
    if (!read)
      return read.error();
    outcome = std::move(*read);
  }
  auto chosen = check_decision(context, number, outcome, limits);
  if (!chosen)
    return chosen.error();
  return request{std::move(*chosen), std::nullopt};
}

expected<request> read_batch(const task_context& context, std::uint16_t number, const json_text& result,
                             bool may_be_missing) {
  batch_outcome outcome;
  if (!may_be_missing || has_batch_outcome(result)) {
    auto read = read_batch_outcome(result);
    if (!read)
      return read.error();
    outcome = std::move(*read);
  }
  auto worker = check_batch(context, number, outcome);
  if (!worker)
    return worker.error();
  return request{std::nullopt, std::pair{*worker, std::move(outcome)}};
}

expected<request> read_request(const task_context& context, std::uint16_t number, const json_text& result,
                               const growth_limits& limits, bool may_be_missing) {
  switch (context.definition_of(number).type) {
    case step_type::decision:
      return read_decision(context, number, result, limits, may_be_missing);
    case step_type::batchable:
      return read_batch(context, number, result, may_be_missing);
    case step_type::standard:
    case step_type::deferred_convergence:
    case step_type::batch_worker:
      break;
  }
  return request{};
}

task_fact new_fact(fact_kind kind, std::uint16_t number, timestamp now, const json& data) {
  task_fact fact;
  fact.kind = kind;
  fact.number = number;
  fact.at = now;
  fact.data = json_text{data.dump()};
  return fact;
}

void grow(task_context& context, std::uint16_t number, request asked, const json_text& result, timestamp now,
          turn_effects& effects) {
  if (asked.chosen) {
    auto names = json::array();
    for (auto index : *asked.chosen)
      names.push_back(context.definition->steps[index].name);
    note_decision(context, number, *asked.chosen);
    effects.facts.push_back(new_fact(fact_kind::decided, number, now, {{"create_steps", std::move(names)}}));
  } else if (asked.batch) {
    auto& batch = add_batch(context, number, asked.batch->first, std::move(asked.batch->second), result);
    effects.facts.push_back(new_fact(fact_kind::batched, number, now,
                                     {{"worker_template", context.definition->steps[batch.worker].name},
                                      {"first", batch.first},
                                      {"count", batch.no_op ? std::size_t{0} : batch.cursors.size()}}));
  }
}

std::optional<failure> expand_with(task_context& context, std::uint16_t number, const json_text& result,
                                   const growth_limits& limits, timestamp now, turn_effects& effects,
                                   bool may_be_missing) {
  auto asked = read_request(context, number, result, limits, may_be_missing);
  if (!asked)
    return asked.error();
  grow(context, number, std::move(*asked), result, now, effects);
  return std::nullopt;
}

} // namespace

std::optional<failure> expand(task_context& context, std::uint16_t number, const json_text& result,
                              const growth_limits& limits, timestamp now, turn_effects& effects) {
  return expand_with(context, number, result, limits, now, effects, false);
}

std::optional<failure> expand_by_hand(task_context& context, std::uint16_t number, const json_text& result,
                                      const growth_limits& limits, timestamp now, turn_effects& effects) {
  return expand_with(context, number, result, limits, now, effects, true);
}

std::optional<failure> check_expansion_by_hand(const task_context& context, std::uint16_t number,
                                               const json_text& result, const growth_limits& limits) {
  auto asked = read_request(context, number, result, limits, true);
  return asked ? std::nullopt : std::optional{asked.error()};
}

void refuse_expansion(step_outcome& outcome, const failure& why) {
  outcome.outcome = attempt_outcome::permanent_failure;
  outcome.result = {};
  outcome.error =
    json_text{json{{"message", why.message}, {"error_type", "invalid_outcome"}, {"retryable", false}}.dump()};
}

void replay_expansion(task_context& context, const task_fact& fact, const json_text& result) {
  auto data = json::parse(fact.data.view_or("{}"), nullptr, false);
  auto& steps = context.definition->steps;
  auto index_of = [&](const std::string& name) {
    auto found = std::find_if(steps.begin(), steps.end(), [&](auto& step) { return step.name == name; });
    return static_cast<std::uint16_t>(found - steps.begin());
  };
  if (fact.kind == fact_kind::decided) {
    std::vector<std::uint16_t> chosen;
    for (auto& name : data.value("create_steps", json::array()))
      if (auto index = index_of(name.get<std::string>()); index < steps.size())
        chosen.push_back(index);
    note_decision(context, fact.number, chosen);
  } else if (fact.kind == fact_kind::batched) {
    auto worker = index_of(data.value("worker_template", std::string{}));
    if (worker >= steps.size())
      return;
    batch_outcome outcome;
    if (data.value("count", 0) > 0)
      if (auto read = read_batch_outcome(result))
        outcome = std::move(*read);
    add_batch(context, fact.number, worker, std::move(outcome), result);
  }
}

} // namespace geartrain
