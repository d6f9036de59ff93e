#pragma once

#include "workflow/template_steps.hpp"

#include <vector>

namespace geartrain {

/// Most (step, ancestor) pairs of a template: what its steps' lists of ancestors hold together (128 MB).
inline constexpr std::size_t max_ancestor_pairs = 64'000'000;

/// Turns the names of dependencies into indices and checks them: every name is known, none is given twice, no step
/// depends on itself, no steps depend on each other in a circle, and worker templates name batch_worker steps.
/// Fills dependencies, children and ancestors of every step (each ascending) if there is no such problem. Takes time
/// proportional to steps times links / 64, and no stack, however long the chains are.
void link_steps(std::vector<parsed_step>& steps, const step_index& index, problems& found);

} // namespace geartrain
