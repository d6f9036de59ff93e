#pragma once

#include "workflow/templates/template_steps.hpp"

#include <vector>

namespace geartrain {

/// Turns the names of dependencies into indices and checks them: every name is known, none is given twice, no step
/// depends on itself, no steps depend on each other in a circle, and batches have the steps that they need. Fills
/// dependencies and children (each ascending), ancestors, deciders, segment and decision_depth of every step if there is no such
/// problem. Gives the indices of the steps, parents before children. Needs no stack, however long the chains are.
std::vector<std::uint16_t> link_steps(std::vector<parsed_step>& steps, const step_index& index, problems& found);

} // namespace geartrain
