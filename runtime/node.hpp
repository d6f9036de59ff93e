#pragma once

#include "messages/expected.hpp"
#include "messages/requests.hpp"
#include "messages/time.hpp"
#include "runtime/config.hpp"

#include <functional>
#include <memory>
#include <string>

namespace geartrain {

class db_metrics;
struct engine;

/// One running node: the actors, the database pool and the HTTP server, wired together.
///
/// start() returns when the node serves: the schema fits, templates are loaded, open tasks are resident again. Its public
/// functions may be called from any thread; start() and stop() block.
class node {
public:
  /// `on_fatal` is called (from an actor's thread) when an actor can't be kept alive; the process should end then.
  static expected<std::unique_ptr<node>> start(const config& settings,
                                               std::function<void(const std::string&)> on_fatal = {});

  /// Stops at once what stop() has not stopped.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Where HTTP is served, e.g. "http://127.0.0.1:8080".
  std::string url() const;

  /// Registers a template as POST /v1/templates does, and waits for the outcome.
  expected<register_template_result> register_template(std::string text, bool is_json);

  /// Takes nothing new, finishes open turns, records what workers hold, ends all actors. Idempotent. True if everything
  /// ended within `deadline`; after it the rest is cut off, which loses nothing that was accepted.
  bool stop(milliseconds deadline);

  /// What all actors share; for handlers in this process, tests and benchmarks.
  const engine& shared() const;
  const db_metrics& database() const;

private:
  struct parts;
  explicit node(std::unique_ptr<parts> p);

  std::unique_ptr<parts> parts_;
};

} // namespace geartrain
