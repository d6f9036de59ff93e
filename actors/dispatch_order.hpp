#pragma once

#include <utility>

namespace geartrain {

/// Which dispatch of its step a lease_token or ready_step belongs to: later attempts are later, and within one those after
/// more yields.
template <class Dispatched>
auto dispatch_of(const Dispatched& one) {
  return std::pair{one.attempt, one.yields};
}

} // namespace geartrain
