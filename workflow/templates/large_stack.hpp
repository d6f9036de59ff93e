#pragma once

#include <functional>

namespace geartrain {

/// Runs `work` to its end on a thread of its own with 64 MB of stack (only what is touched takes memory), for libraries
/// that recurse deeply. `work` must not throw. False if there is no such thread to be had: nothing was run then.
/// Takes some tens of microseconds; thread-safe.
bool run_on_large_stack(const std::function<void()>& work);

} // namespace geartrain
