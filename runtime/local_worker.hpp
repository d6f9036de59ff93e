#pragma once

#include "actors/engine.hpp"
#include "messages/worker.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace geartrain {

/// What a handler in this process gets: the same as a worker over HTTP, as JSON text. Valid during the call only.
class handler_context {
public:
  explicit handler_context(const leased_step& leased) : leased_(leased) {}

  std::string_view step_name() const { return leased_.step->step().name; }
  step_id id() const { return leased_.step->id; }
  std::uint16_t attempt() const { return leased_.step->attempt; } ///< 1-based
  const uuid& correlation_id() const { return leased_.step->input->correlation_id; }
  std::string_view task_context() const { return leased_.step->input->context.view(); }
  std::string_view initialization() const { return leased_.step->step().handler.initialization.view_or("{}"); }
  std::string_view previous_error() const { return leased_.step->previous_error.view_or("null"); }

  /// The payload of a finished ancestor; nothing if there is no such ancestor.
  std::optional<std::string_view> dependency_result(std::string_view step) const;

private:
  const leased_step& leased_;
};

struct handler_success {
  std::string result = "null"; ///< JSON
};

struct handler_failure {
  std::string message;
  std::string error_type = "handler_error";
  bool retryable = true;
  std::optional<milliseconds> retry_after; ///< replaces the back-off
};

using handler_result = std::variant<handler_success, handler_failure>;
using handler_function = std::function<handler_result(const handler_context&)>;

/// Runs handlers inside the node's process, with the same contract as workers over HTTP: leases, attempts, fencing.
/// An exception of a handler is a retryable failure. Thread-safe after construction; handlers run on its own threads, which
/// go on with the next step while results are on their way to the database.
class local_worker {
public:
  struct options {
    std::vector<std::string> namespaces;
    std::size_t threads = 2;
    std::string worker_id = "local";
    std::size_t prefetch = 0; ///< steps taken before a thread is free for them; other workers can't have these
  };

  /// Begins to take steps at once. `shared` must outlive the worker.
  local_worker(const engine& shared, options settings, std::map<std::string, handler_function> handlers);

  /// Stops taking steps, lets running handlers finish and report, and joins its threads.
  ~local_worker();
  local_worker(const local_worker&) = delete;
  local_worker& operator=(const local_worker&) = delete;

private:
  class pool;
  std::unique_ptr<pool> pool_;
};

} // namespace geartrain
