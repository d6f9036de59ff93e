#include "runtime/cluster/node_identity.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>

namespace geartrain {

caf::node_id make_caf_node_id(const node_id& id) {
  caf::node_id::default_data::host_id_type host{};
  static_assert(host.size() > sizeof(id.bytes));
  auto rest = std::copy(id.bytes.begin(), id.bytes.end(), host.begin());
  std::random_device random;
  std::generate(rest, host.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return caf::make_node_id(static_cast<std::uint32_t>(::getpid()), host);
}

void node_identity::init(caf::actor_system_config& /*settings*/) {
  assign_node(system_, make_caf_node_id(id_));
}

} // namespace geartrain
