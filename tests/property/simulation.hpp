#pragma once

#include "messages/storage.hpp"
#include "messages/task.hpp"
#include "tests/property/oracle.hpp"
#include "workflow/fencing.hpp"
#include "workflow/turn.hpp"

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

// A node in miniature: one task, its dispatcher, its timers and its rows, driven by arbitrary numbers, next to the oracle.
// It does what the actors do around the rules of a turn, and compares after every step of the way.

namespace geartrain::oracle {

/// What happens next: which kind of thing, to which step, and how.
struct happening {
  std::uint16_t kind = 0;
  std::uint16_t which = 0;
  std::uint16_t how = 0;
};

/// What may happen besides workers that do their work.
struct weather {
  bool failures = true;
  bool acts = false;
  bool duplicates = false;
  bool restarts = false;
  bool delays = false; ///< a late start, and times in which nothing happens
};

/// The rules did something else than they should. The message tells the whole story.
struct defect : std::runtime_error {
  using runtime_error::runtime_error;
};

/// One of the items, as a number says.
template <class Items>
auto pick(const Items& items, std::size_t number) {
  return *std::next(items.begin(), static_cast<std::ptrdiff_t>(number % items.size()));
}

class simulation {
public:
  simulation(const std::vector<step>& steps, std::size_t turn, weather kind);

  /// Lets one thing happen, and checks everything. Throws defect.
  void happen(const happening& what);

  /// Lets workers do their work until nothing is left to do. Throws defect.
  void finish(const std::vector<happening>& how);

  const task_context& context() const { return *context_; }

private:
  /// What became of a lease token.
  enum class fate { held, reported, expired, yielded, gone };

  struct dispatch {
    lease held;
    fate what = fate::held;
  };

  using outcomes = std::vector<step_outcome>;

  // -- what happens (simulation_events.cpp)
  bool take(const happening& what);
  bool take_number(std::uint16_t number);
  bool report(const happening& what);
  bool report_several(const happening& what);
  bool expire(const happening& what);
  bool give_back(const happening& what);
  bool yield(const happening& what);
  bool pass_time();
  bool pass_much_time();
  bool resend(const happening& what);
  bool act(const happening& what);
  bool act_on_step(const happening& what, act_kind kind);
  bool pause_or_resume();
  bool cancel();
  bool redrive();
  bool restart(const happening& what);
  void work(const happening& what);
  step_outcome end_attempt(std::uint16_t number, const happening& what);
  step_outcome judge_report(std::uint16_t number, const lease& held, const happening& what);
  std::pair<json_text, outcome> invent_result(const std::string& name, std::uint16_t how) const;
  outcome invent_decision(const std::string& name, std::uint16_t how) const;
  std::vector<std::string> workers_below(const std::string& name) const;
  bool may_be_empty(const outcome& batch) const;
  outcome no_batches(const std::string& name) const;
  outcome invent_batch(const std::string& name, std::uint16_t how) const;

  // -- the node (simulation.cpp)
  void turn(turn_causes causes);
  void fire_due_timers();
  void arm_timer(std::uint16_t number);
  void remember_delay(std::uint16_t number, const step_outcome& outcome);
  void commit(turn_record record);
  void move_head(const turn_record& record);
  void announce(const turn_effects& effects, const turn_facts& appended);
  void end_lease(std::uint16_t number, std::uint64_t nonce, fate what);
  task_rows rows(bool with_claims) const;

  // -- comparing (simulation_checks.cpp)
  void check();
  void check_states();
  void check_dispatch() const;
  void check_inputs() const;
  void check_counts() const;
  void check_batches() const;
  void check_history();
  void check_restored() const;
  [[noreturn]] void fail(const std::string& why) const;
  void tell(const std::string& what);
  std::uint16_t number_of_name(const std::string& name) const;
  std::set<std::string> held_back_workers() const;

  std::string text_;
  weather weather_;
  task oracle_;
  turn_rules rules_;
  std::unique_ptr<task_context> context_;
  timestamp now_;
  std::uint64_t next_nonce_ = 1;
  std::set<std::uint16_t> offered_; ///< steps that the dispatcher offers to workers
  std::map<std::uint16_t, lease> leases_;
  std::map<std::uint16_t, timestamp> timers_;
  std::map<std::uint16_t, timestamp> delays_; ///< when failed steps may go on
  std::vector<dispatch> tokens_;              ///< all that were ever given out
  task_rows rows_;
  task_state last_state_ = task_state::pending;
  bool acted_ = false; ///< since last_state_
  std::vector<std::string> story_;
};

} // namespace geartrain::oracle
