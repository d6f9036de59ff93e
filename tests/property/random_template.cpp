#include "tests/property/random_template.hpp"

#include "workflow/templates/template_parser.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace geartrain::oracle {

namespace {

/// How often each type is wanted. Zero shrinks to an ordinary step.
constexpr std::array<step_type, 13> wanted{step_type::standard,
                                           step_type::standard,
                                           step_type::standard,
                                           step_type::standard,
                                           step_type::decision,
                                           step_type::decision,
                                           step_type::decision,
                                           step_type::batchable,
                                           step_type::batchable,
                                           step_type::batch_worker,
                                           step_type::batch_worker,
                                           step_type::deferred_convergence,
                                           step_type::deferred_convergence};

std::vector<std::string> of_type(const std::vector<step>& steps, step_type type) {
  std::vector<std::string> out;
  for (const auto& s : steps)
    if (s.type == type)
      out.push_back(s.name);
  return out;
}

void add_dependency(step& s, const std::string& name) {
  if (std::find(s.dependencies.begin(), s.dependencies.end(), name) == s.dependencies.end())
    s.dependencies.push_back(name);
}

step make_step(const std::vector<step>& before, const step_numbers& numbers) {
  step s;
  s.name = "s" + std::to_string(before.size());
  s.type = wanted[numbers.kind % wanted.size()];
  s.retryable = numbers.settings % 8 != 7;
  s.max_attempts = numbers.settings / 8 % 4;
  s.parallelism = 1 + numbers.settings / 32 % 3;
  s.on_failure = static_cast<batch_failure_strategy>(numbers.settings / 96 % 3);
  auto batchable = of_type(before, step_type::batchable);
  // A batchable step without workers is of little use: it gets some soon.
  if (!batchable.empty() && of_type(before, step_type::batch_worker).size() < batchable.size() && numbers.kind % 4 != 0)
    s.type = step_type::batch_worker;
  if (before.empty() || (s.type == step_type::batch_worker && batchable.empty()))
    s.type = step_type::standard;
  if (s.type == step_type::batch_worker) {
    // The latest one, and sometimes another one too.
    add_dependency(s, batchable.back());
    if (numbers.parents % 4 == 3)
      add_dependency(s, batchable[numbers.first_parent % batchable.size()]);
    if (numbers.parents % 16 > 11)
      add_dependency(s, before[numbers.first_parent % before.size()].name);
    return s;
  }
  auto least = s.type == step_type::decision || s.type == step_type::deferred_convergence ? 1U : 0U;
  auto most = std::min<std::size_t>(before.size(), 4);
  auto count = std::min<std::size_t>(most, least + numbers.parents % 4);
  // Near ones more often than far ones, so that graphs are deep.
  std::size_t back = numbers.first_parent;
  for (std::size_t i = 0; i < count; ++i, back = back / 3 + 1)
    add_dependency(s, before[before.size() - 1 - back % std::min<std::size_t>(before.size(), 5)].name);
  return s;
}

/// Some planners name their workers, as they must if there are several.
void name_workers(std::vector<step>& steps, const std::vector<step_numbers>& numbers) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].type != step_type::batchable || numbers[i].settings % 3 == 0)
      continue;
    for (const auto& s : steps)
      if (s.type == step_type::batch_worker &&
          std::find(s.dependencies.begin(), s.dependencies.end(), steps[i].name) != s.dependencies.end())
        steps[i].planned_worker = s.name;
  }
}

} // namespace

std::vector<step> make_steps(const std::vector<step_numbers>& numbers) {
  std::vector<step> steps;
  for (const auto& one : numbers)
    steps.push_back(make_step(steps, one));
  name_workers(steps, numbers);
  return steps;
}

std::string to_text(const std::vector<step>& steps, std::size_t turn) {
  auto list = nlohmann::json::array();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& s = steps[(i + turn) % steps.size()];
    nlohmann::json one{{"name", s.name},
                       {"type", to_string(s.type)},
                       {"handler", {{"callable", "test." + s.name}}},
                       {"dependencies", s.dependencies},
                       {"retry",
                        {{"retryable", s.retryable},
                         {"max_attempts", s.max_attempts},
                         {"backoff", s.max_attempts % 2 == 0 ? "linear" : "none"},
                         {"backoff_base_ms", 20}}}};
    if (!s.planned_worker.empty())
      one["handler"]["initialization"]["worker_template_name"] = s.planned_worker;
    if (s.type == step_type::batch_worker)
      one["batch_config"] = {
        {"worker_template", s.name}, {"parallelism", s.parallelism}, {"failure_strategy", to_string(s.on_failure)}};
    list.push_back(std::move(one));
  }
  nlohmann::json out{{"name", "random"}, {"namespace_name", "test"}, {"version", "1.0.0"}, {"steps", std::move(list)}};
  return out.dump();
}

task_template parse_text(const std::string& text) {
  auto parsed = parse_template(text, template_format::json);
  if (auto* found = std::get_if<problems>(&parsed))
    throw std::runtime_error("the template is refused: " + found->front().path + " " + found->front().message + "\n" +
                             text);
  auto out = std::get<task_template>(std::move(parsed));
  out.id = 1;
  return out;
}

} // namespace geartrain::oracle
