#include "messages/wire_types.hpp"

#include "messages/wire_peer.hpp"

namespace geartrain {

caf::error inspect(caf::serializer& f, peer_hello& x) {
  return wire::fields(f, x.id, x.wire);
}

caf::error inspect(caf::deserializer& f, peer_hello& x) {
  return wire::fields(f, x.id, x.wire);
}

caf::error inspect(caf::serializer& f, peer_call& x) {
  return wire::fields(f, x.id, x.body);
}

caf::error inspect(caf::deserializer& f, peer_call& x) {
  return wire::fields(f, x.id, x.body);
}

caf::error inspect(caf::serializer& f, peer_answer& x) {
  return wire::fields(f, x.id, x.body);
}

caf::error inspect(caf::deserializer& f, peer_answer& x) {
  return wire::fields(f, x.id, x.body);
}

caf::error inspect(caf::serializer& f, peer_notice& x) {
  return wire::fields(f, x.body);
}

caf::error inspect(caf::deserializer& f, peer_notice& x) {
  return wire::fields(f, x.body);
}

} // namespace geartrain
