#pragma once

#include "messages/case_storage.hpp"
#include "messages/cluster.hpp"
#include "messages/requests.hpp"
#include "messages/storage.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace geartrain {

class directory;

// What the database answers to each unit that the API asks it; only the types matter.

list_tasks_reply answer_to(const list_tasks_unit&);
fetch_templates_reply answer_to(const fetch_templates_unit&);
unit_done answer_to(const ping_unit&);
read_audit_reply answer_to(const read_audit_unit&);
list_dead_letters_reply answer_to(const list_dead_letters_unit&);
unit_done answer_to(const add_dead_letter_unit&);
unit_done answer_to(const update_dead_letter_unit&);
dead_letter_stats_reply answer_to(const dead_letter_stats_unit&);
investigation_queue_reply answer_to(const investigation_queue_unit&);
staleness_reply answer_to(const staleness_unit&);
performance_reply answer_to(const performance_unit&);
bottlenecks_reply answer_to(const bottlenecks_unit&);
read_events_reply answer_to(const read_events_unit&);
read_pauses_reply answer_to(const read_pauses_unit&);
unit_done answer_to(const set_pause_unit&);
unit_done answer_to(const ask_drain_unit&);

template <class Unit>
using answer_of = decltype(answer_to(std::declval<const Unit&>()));

/// What the API asks of the actors. Each call returns at once; the answer comes through the completion that is in the
/// message, also when the actor it went to is gone. Thread-safe.
class engine_calls {
public:
  explicit engine_calls(std::shared_ptr<directory> actors);

  void create(create_task_request request) const;      ///< spread evenly over the shards
  void create_all(create_tasks_request request) const; ///< all to one shard: one unit of work
  void register_template(register_template_request request) const;
  void report(std::vector<report_message> reports) const; ///< each to the shard of its task
  void read(read_task_request request) const;
  void await(await_task_request request) const;
  void cancel_wait(wait_cancelled message) const;
  void act(act_request request) const;
  void poll(poll_request request) const;
  void cancel_poll(std::uint64_t poll_id) const;
  void return_leases(std::vector<lease_token> tokens) const;
  void heartbeat(heartbeat_request request) const;

  // -- questions that the database answers directly ------------------------------

  template <class Unit>
  void ask(Unit unit, milliseconds deadline, completion<answer_of<Unit>> done) const;

  /// Stores a pause or its end, then tells the dispatcher of this node. `rows` as in set_pause_unit.
  void set_pause(set_pause_unit unit, milliseconds deadline, completion<unit_done> done) const;

private:
  struct pause_order;

  void tell_pauses(milliseconds deadline, completion<unit_done> done) const;
  void tell_pauses_in_order(std::uint64_t reading, std::vector<pause_row> rows) const;

  std::shared_ptr<directory> actors_;
  std::shared_ptr<pause_order> pauses_;
};

} // namespace geartrain
