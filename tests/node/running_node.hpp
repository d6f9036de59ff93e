#pragma once

#include "actors/engine.hpp"
#include "runtime/local_worker.hpp"
#include "runtime/node.hpp"
#include "tests/support/test_database.hpp"

#include <memory>
#include <string>

namespace geartrain::test {

/// A node in this process on a fresh database, with two shards.
struct running_node {
  explicit running_node(std::size_t connections = 2);

  /// Registers a YAML template that must be valid.
  void add_template(const std::string& yaml);

  /// Creates a task of namespace `test`, and gives its id.
  task_id create(const std::string& name, const std::string& context = "{}");

  task_snapshot read(const task_id& id) const;

  /// Waits until the task is over; fails the test after 30 seconds.
  task_snapshot wait_for(const task_id& id) const;

  local_worker::options worker_options(std::size_t threads = 2) const { return {{"test"}, threads, "local"}; }

  test_database database;
  std::unique_ptr<node> served;
};

} // namespace geartrain::test
