#pragma once

#include "actors/cluster_map.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace geartrain {

/// One counter of a node's part in its cluster, under the name that JSON and metrics share.
struct cluster_figure {
  std::string_view name;
  std::string_view help;
  std::uint64_t value = 0;
};

/// All of them, in the order in which they are shown.
std::vector<cluster_figure> cluster_figures(const cluster_map& map);

} // namespace geartrain
