#pragma once

#include "runtime/api/api_state.hpp"

namespace geartrain {

/// POST /v1/workers/heartbeat: records the checkpoints that ride along, then extends the leases. A lease whose checkpoint
/// was not accepted is gone, whatever the dispatcher still thinks of it.
void extend_leases(const api_ptr& api, const http_request& request, const responder& reply);

} // namespace geartrain
