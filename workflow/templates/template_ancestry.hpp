#pragma once

#include "workflow/templates/template_steps.hpp"

#include <vector>

namespace geartrain {

/// Most numbers that the steps' lists of ancestors, deciders and segments hold together (128 MB).
inline constexpr std::size_t max_ancestor_pairs = 64'000'000;

/// Most links that are followed for these lists: a second or two of work.
inline constexpr std::size_t max_ancestor_links = 500'000'000;

/// Fills ancestors (by levels, up to max_ancestor_depth of them), deciders, segments and decision_depth of linked steps. `order`
/// has parents before children. False if the lists would become too large or take too long.
bool fill_ancestry(std::vector<parsed_step>& steps, const std::vector<std::uint16_t>& order);

} // namespace geartrain
