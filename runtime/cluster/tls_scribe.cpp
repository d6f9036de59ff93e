#include "runtime/cluster/tls_scribe.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>

// CAF has TLS of its own, but handshakes in its network loop: a stranger who connects and says nothing keeps that loop
// busy, and one who is refused leaves an error behind that the loop takes for the end of another connection. Here only
// connections arrive whose handshake is over.

namespace geartrain {

namespace {

namespace network = caf::io::network;
using network::rw_state;

/// How a CAF stream reads and writes.
class tls_policy {
public:
  explicit tls_policy(tls_session session) : session_(std::move(session)) {}

  rw_state read_some(std::size_t& count, network::native_socket /*socket*/, void* data, std::size_t size) {
    count = 0;
    return size == 0 ? rw_state::indeterminate : state_of(session_.read(data, size, count));
  }

  rw_state write_some(std::size_t& count, network::native_socket /*socket*/, const void* data, std::size_t size) {
    count = 0;
    return size == 0 ? rw_state::indeterminate : state_of(session_.write(data, size, count));
  }

  bool must_read_more(network::native_socket /*socket*/, std::size_t threshold) {
    return session_.pending() >= threshold;
  }

private:
  // Success without a byte means: when the socket is ready again.
  static rw_state state_of(tls_outcome outcome) {
    return outcome == tls_outcome::failed ? rw_state::failure : rw_state::success;
  }

  tls_session session_;
};

class tls_scribe : public caf::io::scribe {
public:
  tls_scribe(network::default_multiplexer& loop, network::native_socket socket, tls_session session)
    : scribe(network::conn_hdl_from_socket(socket)), stream_(loop, socket, std::move(session)) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (std::exchange(launched_, true))
      return;
    stream_.start(this);
  }

  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }

  std::string addr() const override {
    auto address = network::remote_addr_of_fd(stream_.fd());
    return address ? *address : std::string{};
  }

  std::uint16_t port() const override {
    auto number = network::remote_port_of_fd(stream_.fd());
    return number ? *number : std::uint16_t{0};
  }

private:
  bool launched_ = false;
  network::stream_impl<tls_policy> stream_; ///< closes the socket
};

} // namespace

caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, tls_connection connection) {
  auto& loop = static_cast<network::default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<tls_scribe>(loop, connection.socket.release(), std::move(connection.session));
}

} // namespace geartrain
