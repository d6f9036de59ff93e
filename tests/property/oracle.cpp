#include "tests/property/oracle.hpp"

#include <algorithm>
#include <stdexcept>

namespace geartrain::oracle {

task::task(std::vector<step> steps, bool delayed) : steps_(std::move(steps)), delayed_(delayed) {
  for (const auto& s : steps_)
    from_start_.insert(s.name); // at the start nothing is late
  auto there = existing(beings());
  from_start_ = {there.begin(), there.end()};
}

// -- looking things up ----------------------------------------------------------

const step& task::definition(const std::string& name) const {
  auto wanted = name;
  for (const auto& [source, made] : batches_)
    if (std::find(made.names.begin(), made.names.end(), name) != made.names.end())
      wanted = made.worker;
  for (const auto& s : steps_)
    if (s.name == wanted)
      return s;
  throw std::logic_error("no step " + name);
}

std::string task::source_of(const std::string& name) const {
  for (const auto& [source, made] : batches_)
    if (std::find(made.names.begin(), made.names.end(), name) != made.names.end())
      return source;
  return "";
}

std::vector<std::string> task::workers_of(const std::string& source) const {
  auto made = batches_.find(source);
  return made == batches_.end() ? std::vector<std::string>{} : made->second.names;
}

task::record task::record_of(const std::string& name) const {
  auto known = records_.find(name);
  return known == records_.end() ? record{} : known->second;
}

unsigned task::failures(const std::string& name) const {
  return record_of(name).failures;
}

bool task::ended_well(const std::string& name) const {
  auto end = record_of(name).end;
  return end == ending::complete || end == ending::resolved;
}

/// Everything below a decision, up to and including the next decisions.
std::set<std::string> task::segment(const std::string& decision) const {
  std::set<std::string> out;
  std::vector<std::string> from{decision};
  while (!from.empty()) {
    auto above_it = from.back();
    from.pop_back();
    for (const auto& s : steps_) {
      auto depends = std::find(s.dependencies.begin(), s.dependencies.end(), above_it) != s.dependencies.end();
      if (depends && out.insert(s.name).second && s.type != step_type::decision)
        from.push_back(s.name);
    }
  }
  return out;
}

bool task::above(const std::string& upper, const std::string& lower) const {
  for (const auto& dependency : definition(lower).dependencies)
    if (dependency == upper || above(upper, dependency))
      return true;
  return false;
}

// -- what may run -----------------------------------------------------------------

/// A failed worker counts as finished where its batch goes on without it.
bool task::is_tolerated(const std::string& name) const {
  return record_of(name).end == ending::failed && !source_of(name).empty() &&
         definition(name).on_failure != batch_failure_strategy::fail_fast;
}

/// The first failed worker of a fail_fast batch takes the others with it.
bool task::is_swept_away(const std::string& name) const {
  auto source = source_of(name);
  if (source.empty() || definition(name).on_failure != batch_failure_strategy::fail_fast)
    return false;
  const auto& names = batches_.at(source).names;
  return record_of(name).end == ending::open &&
         std::any_of(names.begin(), names.end(), [&](const auto& one) { return record_of(one).end == ending::failed; });
}

/// One permanent failure stops everything that is not with a worker.
bool task::is_blocked() const {
  return stale_ || std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
           return entry.second.end == ending::failed && !is_tolerated(entry.first);
         });
}

bool task::holds_back(const std::string& dependency, const std::map<std::string, being>& known) const {
  if (known.at(dependency) == being::never)
    return false;
  if (known.at(dependency) == being::undecided)
    return true;
  const auto& s = definition(dependency);
  if (s.type != step_type::batch_worker)
    return !ended_well(dependency);
  for (const auto& source : s.dependencies)
    if (definition(source).type == step_type::batchable && !is_settled(source, known))
      return true;
  for (const auto& [source, made] : batches_)
    for (const auto& worker : made.names)
      if (made.worker == dependency && !ended_well(worker) && !is_tolerated(worker))
        return true;
  return false;
}

bool task::is_ready(const std::string& name, const std::map<std::string, being>& known) const {
  auto is_worker = !source_of(name).empty();
  const auto& dependencies = definition(name).dependencies;
  return std::none_of(dependencies.begin(), dependencies.end(), [&](const std::string& one) {
    // A worker comes of one batchable step, which is done, and does not care for the others.
    return !(is_worker && definition(one).type == step_type::batchable) && holds_back(one, known);
  });
}

step_state task::state_of(const std::string& name, const std::map<std::string, being>& known) const {
  auto its = record_of(name);
  switch (its.end) {
    case ending::complete:
      return step_state::complete;
    case ending::resolved:
      return step_state::resolved_manually;
    case ending::failed:
      return step_state::error;
    case ending::cancelled:
      return step_state::cancelled;
    case ending::open:
      break;
  }
  if (is_swept_away(name))
    return step_state::cancelled;
  if (its.with_worker)
    return step_state::in_progress;
  if (its.waits)
    return step_state::waiting_for_retry;
  return is_ready(name, known) && !is_blocked() && !delayed_ ? step_state::enqueued : step_state::pending;
}

std::map<std::string, step_state> task::states() const {
  auto known = beings();
  std::map<std::string, step_state> out;
  for (const auto& name : existing(known))
    out[name] = state_of(name, known);
  return out;
}

task_state task::state(const std::set<std::string>& held_back) const {
  if (cancelled_)
    return task_state::cancelled;
  if (delayed_)
    return task_state::pending;
  bool runs = false;
  bool with_worker = false;
  bool waits = false;
  bool all_done = true;
  for (const auto& [name, its] : states()) {
    with_worker = with_worker || its == step_state::in_progress;
    runs = runs || its == step_state::in_progress || (its == step_state::enqueued && !held_back.contains(name));
    waits = waits || its == step_state::waiting_for_retry;
    all_done = all_done && (satisfies_children(its) || is_tolerated(name));
  }
  if (is_blocked())
    return with_worker ? task_state::blocked_by_failures : task_state::error;
  if (all_done)
    return task_state::complete;
  if (runs)
    return task_state::steps_in_process;
  return waits ? task_state::waiting_for_retry : task_state::waiting_for_dependencies;
}

std::map<std::string, step_state> task::results_for(const std::string& name) const {
  std::map<std::string, step_state> out;
  for (const auto& [other, its] : states()) {
    if (!above(definition(other).name, definition(name).name))
      continue;
    auto shown = is_tolerated(other) && definition(other).on_failure == batch_failure_strategy::continue_on_failure;
    if (satisfies_children(its) || shown)
      out[other] = its;
  }
  return out;
}

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
        records_[other].with_worker = false;
}

void task::retry_due(const std::string& name) {
  if (!is_blocked() && !cancelled_)
    records_[name].waits = false;
}

void task::started() {
  delayed_ = false;
}

/// The task is given up: nobody works for it any more.
void task::went_stale() {
  stale_ = true;
  for (auto& [name, its] : records_)
    its.with_worker = false;
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
  stale_ = false;
  records_[name] = {};
}

/// Everything that stops the task is reset.
void task::redriven() {
  stale_ = false;
  for (auto& [name, its] : records_)
    if (its.end == ending::failed && !is_tolerated(name))
      its = {};
}

void task::resolved(const std::string& name, const outcome& asked) {
  stale_ = false;
  end_well(name, ending::resolved, asked);
}

void task::completed(const std::string& name, const outcome& asked) {
  stale_ = false;
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
