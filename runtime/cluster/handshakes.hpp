#pragma once

#include "messages/time.hpp"
#include "runtime/cluster/tls.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace geartrain {

/// How long the steps towards a connection may take.
struct handshake_limits {
  milliseconds connect{1000};     ///< looking up the host and connecting
  milliseconds secure{2000};      ///< TLS, on either side
  std::size_t most_incoming = 64; ///< under way at a time; more wait in the queue of the system
};

/// A thread that makes connections, from either side, up to where TLS is agreed and both sides have shown their
/// certificates. Whoever says nothing, or the wrong thing, gets no further and costs nothing but a socket for a while.
/// Thread-safe.
class handshakes {
public:
  using connected = std::function<void(expected<tls_connection>)>;
  using accepted = std::function<void(tls_connection)>;

  explicit handshakes(tls_context context, handshake_limits limits = {});

  /// Ends everything that is under way: callbacks that wait are destroyed without a call.
  ~handshakes();

  /// Listens at an IP address and gives the port. `take` runs on the thread for each connection. Once only.
  /// Errors: unavailable, with the reason.
  expected<std::uint16_t> listen(const std::string& address, std::uint16_t port, accepted take);

  /// `done` runs on the thread. `host` may be a name. Errors: unavailable, timeout.
  void connect(const std::string& host, std::uint16_t port, connected done);

private:
  class core;
  std::unique_ptr<core> core_;
};

} // namespace geartrain
