#pragma once

#include "messages/peer.hpp"
#include "messages/wire_offer.hpp"
#include "messages/wire_task.hpp"
#include "messages/wire_worker.hpp"

// The parts of what nodes say to each other on the wire. The messages as a whole: messages/wire_types.hpp.

namespace geartrain {

template <>
struct wire::values<errc> : from_to<errc::overloaded, errc::unhandled> {};
template <>
struct wire::values<act_kind> : from_to<act_kind::cancel_task, act_kind::redrive_task> {};

template <wire::format F>
caf::error inspect(F& f, failure& x) {
  return wire::fields(f, x.code, x.message);
}

template <wire::format F>
caf::error inspect(F& f, operator_act& x) {
  return wire::fields(f, x.kind, x.number, x.who, x.reason, x.result, x.metadata);
}

// -- calls ---------------------------------------------------------------------

template <wire::format F>
caf::error inspect(F& f, report_call& x) {
  return wire::fields(f, x.reports);
}

template <wire::format F>
caf::error inspect(F& f, read_call& x) {
  return wire::fields(f, x.id);
}

template <wire::format F>
caf::error inspect(F& f, await_call& x) {
  return wire::fields(f, x.id, x.wait);
}

template <wire::format F>
caf::error inspect(F& f, act_call& x) {
  return wire::fields(f, x.task, x.act);
}

template <wire::format F>
caf::error inspect(F& f, heartbeat_call& x) {
  return wire::fields(f, x.worker, x.tokens);
}

// -- answers -------------------------------------------------------------------

template <wire::format F>
caf::error inspect(F& f, report_answers& x) {
  return wire::fields(f, x.answers);
}

template <wire::format F>
caf::error inspect(F& f, task_answer& x) {
  return wire::fields(f, x.task);
}

template <wire::format F>
caf::error inspect(F& f, heartbeat_answers& x) {
  return wire::fields(f, x.answers);
}

// -- notices -------------------------------------------------------------------

template <wire::format F>
caf::error inspect(F& f, waiting_worker& x) {
  return wire::fields(f, x.poll_id, x.worker, x.namespaces, x.handlers, x.max_steps);
}

template <wire::format F>
caf::error inspect(F& f, workers_wait& x) {
  return wire::fields(f, x.begin, x.end);
}

template <wire::format F>
caf::error inspect(F& f, offers_returned& x) {
  return wire::fields(f, x.tokens);
}

template <wire::format F>
caf::error inspect(F& f, wait_ended& x) {
  return wire::fields(f, x.call, x.task);
}

template <wire::format F>
caf::error inspect(F& f, look_again& x) {
  return wire::fields(f, x.pauses, x.templates, x.membership, x.tasks);
}

} // namespace geartrain
