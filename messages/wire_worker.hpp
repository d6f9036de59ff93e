#pragma once

#include "messages/wire.hpp"
#include "messages/worker.hpp"

// What workers and their leases look like on the wire. Steps that are handed out: messages/wire_offer.hpp.

namespace geartrain {

template <>
struct wire::values<report_kind> : from_to<report_kind::result, report_kind::checkpoint> {};
template <>
struct wire::values<report_status> : from_to<report_status::accepted, report_status::invalid> {};
template <>
struct wire::values<heartbeat_status> : from_to<heartbeat_status::extended, heartbeat_status::cancelled> {};

template <wire::format F>
caf::error inspect(F& f, lease_token& x) {
  return wire::fields(f, x.step, x.attempt, x.yields, x.epoch, x.nonce, x.expires_at);
}

template <wire::format F>
caf::error inspect(F& f, lease& x) {
  return wire::fields(f, x.token, x.worker, x.claimed_at, x.expires_at);
}

template <wire::format F>
caf::error inspect(F& f, step_report& x) {
  return wire::fields(f, x.kind, x.token, x.worker, x.success, x.result, x.error, x.metadata, x.checkpoint, x.retryable,
                      x.requested_delay, x.execution_time_ms);
}

template <wire::format F>
caf::error inspect(F& f, report_answer& x) {
  return wire::fields(f, x.status, x.message);
}

template <wire::format F>
caf::error inspect(F& f, heartbeat_answer& x) {
  return wire::fields(f, x.status, x.expires_at);
}

} // namespace geartrain
