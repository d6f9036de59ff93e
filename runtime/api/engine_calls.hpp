#pragma once

#include "messages/requests.hpp"
#include "messages/storage.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace geartrain {

class directory;

/// What the API asks of the actors. Each call returns at once; the answer comes through the completion that is in the
/// message, also when the actor it went to is gone. Thread-safe.
class engine_calls {
public:
  explicit engine_calls(std::shared_ptr<directory> actors);

  void create(create_task_request request) const; ///< spread evenly over the shards
  void register_template(register_template_request request) const;
  void report(std::vector<report_message> reports) const; ///< each to the shard of its task
  void read(read_task_request request) const;
  void poll(poll_request request) const;
  void cancel_poll(std::uint64_t poll_id) const;
  void return_leases(std::vector<lease_token> tokens) const;
  void heartbeat(heartbeat_request request) const;

  // -- questions that the database answers directly ------------------------------

  void list_tasks(list_tasks_unit unit, milliseconds deadline, completion<list_tasks_reply> done) const;
  void fetch_templates(fetch_templates_unit unit, milliseconds deadline, completion<fetch_templates_reply> done) const;
  void ping(milliseconds deadline, completion<unit_done> done) const;

private:
  std::shared_ptr<directory> actors_;
};

} // namespace geartrain
