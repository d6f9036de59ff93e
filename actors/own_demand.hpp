#pragma once

#include "actors/poll_queue.hpp"

#include <map>
#include <string>

namespace geartrain {

/// What the workers of this node have asked for lately. A step that one of them will ask for in a moment costs two messages
/// less than one that travels to a worker which waits at another node. Not thread-safe.
class own_demand {
public:
  /// A worker asks, or gets what it waited for and will soon ask again.
  void note(const poll_request& poll, timestamp now);

  /// True if a worker that may run this handler of this namespace was noted after `since`.
  bool is_alive(const std::string& namespace_name, const std::string& callable, timestamp since) const;

  /// What was last noted before `before` is over.
  void forget(timestamp before);

private:
  std::map<poll_queue::interest, timestamp> last_;
};

} // namespace geartrain
