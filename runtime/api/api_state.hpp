#pragma once

#include "runtime/api/engine_calls.hpp"
#include "runtime/api/routes.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace geartrain {

/// What all handlers of the API share. Thread-safe.
struct api_state {
  explicit api_state(api_context c);

  timestamp now() const { return context.now(); }
  bool draining() const { return context.draining && context.draining(); }

  /// Credit for work of that kind. Without it the request has been answered already: 503.
  admission_ticket admit(admission_kind kind, std::uint32_t amount, const responder& reply) const;

  /// True if the request was answered 503 because the node is going down.
  bool refused_while_draining(const responder& reply) const;

  /// True if a creation was answered 503: for that reason, or because the node has as many tasks as it is to have.
  bool refused_creation(const responder& reply) const;

  const api_context context;
  const engine_calls calls;
  mutable std::atomic<std::uint64_t> last_poll{0}; ///< numbers the polls of this process
  mutable std::atomic<std::uint64_t> last_wait{0}; ///< numbers the reads that wait
};

using api_ptr = std::shared_ptr<const api_state>;

/// A successful answer with a JSON body.
http_response json_response(unsigned status, std::string body);

// -- the groups of routes; each in the file of that name ---------------------------

void add_task_routes(router& routes, const api_ptr& api);
void add_bulk_route(router& routes, const api_ptr& api);
void add_task_list_route(router& routes, const api_ptr& api);
void add_act_routes(router& routes, const api_ptr& api);
void add_audit_route(router& routes, const api_ptr& api);
void add_summary_route(router& routes, const api_ptr& api);
void add_pause_routes(router& routes, const api_ptr& api);
void add_dlq_routes(router& routes, const api_ptr& api);
void add_dlq_acts(router& routes, const api_ptr& api);
void add_analytics_routes(router& routes, const api_ptr& api);
void add_event_route(router& routes, const api_ptr& api);
void add_template_routes(router& routes, const api_ptr& api);
void add_worker_routes(router& routes, const api_ptr& api);
void add_health_routes(router& routes, const api_ptr& api);
void add_cluster_routes(router& routes, const api_ptr& api);
void add_telemetry_routes(router& routes, const api_ptr& api);

} // namespace geartrain
