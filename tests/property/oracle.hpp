#pragma once

#include "messages/states.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// The semantics of a task a second time, written down from its description alone and as plainly as possible: the graph
// is held by names, and everything is worked out from scratch whenever it is asked for. Far too slow for the engine, and
// for that very reason a witness against it. It uses nothing of workflow/.

namespace geartrain::oracle {

/// One step of a template.
struct step {
  std::string name;
  step_type type = step_type::standard;
  std::vector<std::string> dependencies;
  bool retryable = true;
  unsigned max_attempts = 3;
  std::string planned_worker; ///< of a batchable step: worker_template_name; empty: none
  batch_failure_strategy on_failure = batch_failure_strategy::continue_on_failure;
  unsigned parallelism = 10;
};

/// What a decision or batchable step asks for; nothing: it says so, or an operator said nothing.
struct outcome {
  std::vector<std::string> step_names; ///< of a decision
  std::string worker;                  ///< of a batch
  std::vector<std::string> batch_ids;  ///< of a batch; empty: no batches
};

enum class being { undecided, exists, never };

/// How one attempt of a step went wrong.
struct trouble {
  bool retryable = true; ///< what the worker says
  bool waits = false;    ///< there is a delay before the next attempt
};

/// A task as it should be. Events are told by the names of steps; a batch worker is called `<template step>_<batch id>`.
/// The caller tells only what can happen: a worker takes only steps that are enqueued, and so on.
class task {
public:
  /// A delayed task runs nothing before started().
  explicit task(std::vector<step> steps, bool delayed = false);

  // -- what workers and time do
  void taken(const std::string& name);
  void given_back(const std::string& name);
  void succeeded(const std::string& name, const outcome& asked = {});
  void failed(const std::string& name, const trouble& how);
  void retry_due(const std::string& name);
  void started();
  void went_stale();

  // -- what operators do
  void cancelled();
  void reset(const std::string& name);
  void resolved(const std::string& name, const outcome& asked = {});
  void completed(const std::string& name, const outcome& asked = {});
  void redriven();

  /// Whether an operator may reset, resolve or complete the step now.
  bool may_act_on(const std::string& name) const;

  /// Whether a step that succeeds may ask for this; if not, it fails for good.
  bool may_ask_for(const std::string& name, const outcome& asked) const;

  // -- what can be seen
  /// The existing steps and their states. Of the workers of a batch it says `enqueued` for all that may run: how many of
  /// them do is bounded by the parallelism.
  std::map<std::string, step_state> states() const;

  /// The state of the task. `held_back` are the workers that wait for a place in their batch.
  task_state state(const std::set<std::string>& held_back = {}) const;

  /// The steps whose results the handler of this one is given, and how they ended.
  std::map<std::string, step_state> results_for(const std::string& name) const;

  /// Whether steps of the template exist.
  std::map<std::string, being> beings() const;

  /// Failures of the step that count against its limit.
  unsigned failures(const std::string& name) const;

  /// The step of the template that a name belongs to.
  const step& definition(const std::string& name) const;

  /// The workers of the batch that a batchable step was cut into.
  std::vector<std::string> workers_of(const std::string& source) const;

  /// The batchable step whose batch a worker belongs to; empty: it is no batch worker.
  std::string source_of(const std::string& name) const;

private:
  enum class ending { open, complete, resolved, failed, cancelled };

  struct record {
    ending end = ending::open;
    bool with_worker = false;
    bool waits = false;
    unsigned failures = 0;
  };

  struct batch {
    std::string worker;
    std::vector<std::string> names;
  };

  void end_well(const std::string& name, ending how, const outcome& asked);
  record record_of(const std::string& name) const;
  bool ended_well(const std::string& name) const;
  std::set<std::string> segment(const std::string& decision) const;
  bool above(const std::string& upper, const std::string& lower) const;
  bool is_settled(const std::string& source, const std::map<std::string, being>& known) const;
  being judge(const step& s, const std::map<std::string, being>& known) const;
  being judge_worker(const step& s, const std::map<std::string, being>& known) const;
  being judge_join(const step& s, const std::map<std::string, being>& known) const;
  being judge_ordinary(const step& s, const std::map<std::string, being>& known) const;
  bool may_be_asked_for(const step& s, const std::map<std::string, being>& known) const;
  bool is_requested(const std::string& name) const;
  bool holds_back(const std::string& dependency, const std::map<std::string, being>& known) const;
  bool is_ready(const std::string& name, const std::map<std::string, being>& known) const;
  bool is_tolerated(const std::string& name) const;
  bool is_swept_away(const std::string& name) const;
  bool is_blocked() const;
  step_state state_of(const std::string& name, const std::map<std::string, being>& known) const;
  std::vector<std::string> existing(const std::map<std::string, being>& known) const;

  std::vector<step> steps_;
  std::set<std::string> from_start_;
  std::map<std::string, record> records_;
  std::map<std::string, std::set<std::string>> asked_; ///< by decision that ended well
  std::map<std::string, batch> batches_;               ///< by batchable step that ended well
  bool cancelled_ = false;
  bool delayed_ = false;
  bool stale_ = false; ///< and no operator has looked after it since
};

} // namespace geartrain::oracle
