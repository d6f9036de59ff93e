#pragma once

#include "runtime/api/api_error.hpp"
#include "runtime/api/api_state.hpp"

#include <utility>

namespace geartrain {

/// Asks the database one question within the deadline for reads. A failure is the answer to the request; with a reply, `go_on`
/// runs on a thread of an actor and must see to the answer. Counts no credit: the caller holds its ticket.
template <class Unit, class GoOn>
void ask_then(const api_ptr& api, const responder& reply, Unit unit, GoOn go_on) {
  using answer = answer_of<Unit>;
  api->calls.ask(std::move(unit), api->context.read_deadline,
                 completion<answer>{[reply, go_on = std::move(go_on)](expected<answer> got) {
                   if (!got)
                     return reply(error_of(got.error()));
                   go_on(std::move(*got));
                 }});
}

/// Asks the database one question and answers the request with what `compose` makes of the reply.
template <class Unit, class Compose>
void ask_and_answer(const api_ptr& api, const responder& reply, Unit unit, Compose compose) {
  auto ticket = api->admit(admission_kind::read, 1, reply);
  if (!ticket)
    return;
  ask_then(api, reply, std::move(unit), [reply, ticket, compose = std::move(compose)](answer_of<Unit> got) {
    reply.later([got = std::move(got), compose] { return compose(got); });
  });
}

} // namespace geartrain
