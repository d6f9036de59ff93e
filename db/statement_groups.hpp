#pragma once

#include "db/statements.hpp"

#include <vector>

// The parts of statements(), one file each.

namespace geartrain::statement_groups {

std::vector<statement> turns();     ///< statements_turns.cpp: what a turn and a creation write
std::vector<statement> tasks();     ///< statements_tasks.cpp: reading and finding tasks
std::vector<statement> cases();     ///< statements_cases.cpp: audit, dead letters, staleness
std::vector<statement> figures();   ///< statements_figures.cpp: analytics
std::vector<statement> cluster();   ///< statements_cluster.cpp: members, partitions and their owners
std::vector<statement> templates(); ///< statements.cpp: templates, events, pauses, the inbox, housekeeping

} // namespace geartrain::statement_groups
