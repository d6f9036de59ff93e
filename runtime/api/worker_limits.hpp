#pragma once

#include "runtime/api/object_reader.hpp"

#include <cstddef>
#include <cstdint>

// The bounds of the worker calls' envelopes.

namespace geartrain {

inline constexpr text_limits worker_id_limits{1, 128};
inline constexpr std::size_t max_items = 1000;   ///< results or leases in a call
inline constexpr std::size_t max_filters = 1000; ///< namespaces or handlers of a poll
inline constexpr std::int64_t max_poll_steps = 1000;
inline constexpr std::int64_t max_wait_ms = 60000;

/// Of the whole body: far above what an item may have, so that one item that is too deep does not spoil its neighbours.
inline constexpr std::size_t max_worker_body_depth = 512;

} // namespace geartrain
