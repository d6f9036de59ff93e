#pragma once

#include "runtime/api/api_state.hpp"

namespace geartrain {

/// POST /v1/workers/poll: applies the results that ride along, then waits for steps.
///
/// Steps that were given out but can't be delivered (the client left, the connection broke, the answer grew too large) go
/// back to the dispatcher at once.
void poll_for_steps(const api_ptr& api, const http_request& request, const responder& reply);

} // namespace geartrain
