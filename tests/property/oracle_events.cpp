#include "tests/property/oracle.hpp"

#include <algorithm>
#include <stdexcept>

namespace geartrain::oracle {

// -- what happens -------------------------------------------------------------------

void task::taken(const std::string& name) {
  records_[name].with_worker = true;
}

void task::given_back(const std::string& name) {
  records_[name].with_worker = false;
}

void task::end_well(const std::string& name, ending how, const outcome& asked) {
  const auto s = definition(name);
  auto& its = records_[name];
  its.end = how;
  its.with_worker = its.waits = false;
  if (s.type == step_type::decision)
    asked_[name] = {asked.step_names.begin(), asked.step_names.end()};
  if (s.type != step_type::batchable)
    return;
  auto& made = batches_[name];
  made.worker = asked.worker;
  for (const auto& id : asked.batch_ids)
    made.names.push_back(made.worker + "_" + id);
  if (asked.batch_ids.empty() && !made.worker.empty())
    made.names.push_back(made.worker + "_000");
}

void task::succeeded(const std::string& name, const outcome& asked) {
  end_well(name, ending::complete, asked);
}

void task::failed(const std::string& name, const trouble& how) {
  const auto& s = definition(name);
  auto& its = records_[name];
  its.with_worker = false;
  ++its.failures;
  if (how.retryable && s.retryable && its.failures < std::max(1U, s.max_attempts)) {
    its.waits = how.waits;
    return;
  }
  its.end = ending::failed;
  if (auto source = source_of(name); !source.empty() && s.on_failure == batch_failure_strategy::fail_fast)
    for (const auto& other : batches_.at(source).names)
      if (other != name && record_of(other).end == ending::open)
        records_[other].with_worker = records_[other].waits = false;
}

void task::retry_due(const std::string& name) {
  if (!is_blocked() && !cancelled_)
    records_[name].waits = false;
}

void task::cancelled() {
  for (const auto& [name, its] : states())
    if (!satisfies_children(its))
      records_[name].end = ending::cancelled;
  cancelled_ = true;
}

bool task::may_act_on(const std::string& name) const {
  auto all = states();
  auto its = all.find(name);
  if (its == all.end() || cancelled_ || state() == task_state::complete)
    return false;
  if (is_tolerated(name) && !holds_back(definition(name).name, beings()))
    return false; // its batch was joined without it
  return !satisfies_children(its->second) && its->second != step_state::cancelled;
}

void task::reset(const std::string& name) {
  records_[name] = {};
}

/// Everything that stops the task is reset.
void task::redriven() {
  for (auto& [name, its] : records_)
    if (its.end == ending::failed && !is_tolerated(name))
      its = {};
}

void task::resolved(const std::string& name, const outcome& asked) {
  end_well(name, ending::resolved, asked);
}

void task::completed(const std::string& name, const outcome& asked) {
  end_well(name, ending::complete, asked);
}

bool task::may_ask_for(const std::string& name, const outcome& asked) const {
  const auto& s = definition(name);
  if (s.type == step_type::decision) {
    auto choices = segment(name);
    return std::all_of(asked.step_names.begin(), asked.step_names.end(), [&](const std::string& one) {
      return choices.contains(one) && definition(one).type != step_type::batch_worker;
    });
  }
  if (s.type != step_type::batchable)
    return true;
  auto worker = std::find_if(steps_.begin(), steps_.end(), [&](const step& other) {
    auto depends = std::find(other.dependencies.begin(), other.dependencies.end(), name) != other.dependencies.end();
    return other.type == step_type::batch_worker && other.name == asked.worker && depends;
  });
  std::set<std::string> ids(asked.batch_ids.begin(), asked.batch_ids.end());
  return worker != steps_.end() && beings().at(asked.worker) != being::never && ids.size() == asked.batch_ids.size();
}

} // namespace geartrain::oracle
