#pragma once

#include "messages/peer.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

// What travels between nodes as a message of its own. CAF is told by add_message_types<caf::id_block::geartrain>().
// Every other message stays inside its process. Bytes that do not decode are dropped without a word, so calls need
// deadlines.

namespace geartrain {

caf::error inspect(caf::serializer& f, peer_hello& x);
caf::error inspect(caf::deserializer& f, peer_hello& x);
caf::error inspect(caf::serializer& f, peer_call& x);
caf::error inspect(caf::deserializer& f, peer_call& x);
caf::error inspect(caf::serializer& f, peer_answer& x);
caf::error inspect(caf::deserializer& f, peer_answer& x);
caf::error inspect(caf::serializer& f, peer_notice& x);
caf::error inspect(caf::deserializer& f, peer_notice& x);

} // namespace geartrain

CAF_BEGIN_TYPE_ID_BLOCK(geartrain, first_custom_type_id)

CAF_ADD_TYPE_ID(geartrain, (geartrain::peer_hello))
CAF_ADD_TYPE_ID(geartrain, (geartrain::peer_call))
CAF_ADD_TYPE_ID(geartrain, (geartrain::peer_answer))
CAF_ADD_TYPE_ID(geartrain, (geartrain::peer_notice))

CAF_END_TYPE_ID_BLOCK(geartrain)

namespace geartrain {

/// One end of the connection between two nodes, as the other end sees it.
using peer_link_actor = caf::typed_actor<caf::reacts_to<peer_hello, caf::strong_actor_ptr>, caf::reacts_to<peer_call>,
                                         caf::reacts_to<peer_answer>, caf::reacts_to<peer_notice>>;

} // namespace geartrain
