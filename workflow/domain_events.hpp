#pragma once

#include "messages/turn.hpp"

#include <vector>

namespace geartrain {

/// The events that the ended attempts of a turn publish, as their steps' definitions say. Pure.
std::vector<domain_event> events_of(const task_context& context, const std::vector<step_outcome>& outcomes);

} // namespace geartrain
