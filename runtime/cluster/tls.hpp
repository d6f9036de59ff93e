#pragma once

#include "messages/expected.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/openssl_handles.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

// TLS 1.3 between nodes. Each side shows a certificate, and takes only one that a common authority signed. The names in
// certificates are not looked at: an authority must sign for the nodes of one cluster and for nobody else.

namespace geartrain {

/// What all connections of a node share. Thread-safe.
using tls_context = std::shared_ptr<SSL_CTX>;

/// `authority`: certificates in PEM; `own.certificate` may be followed by what leads to one of them. Whatever would make
/// others refuse us is found here. Errors: invalid, with the reason.
expected<tls_context> make_tls_context(const pem_pair& own, const std::string& authority);

enum class tls_role : std::uint8_t { client, server };

enum class tls_outcome : std::uint8_t { done, wants_read, wants_write, failed };

/// TLS over a connected socket that does not block and belongs to somebody else. Move-only; for one thread at a time.
///
/// OpenSSL keeps errors per thread and takes a left-over one for a failure of the next connection, so each call here
/// begins with an empty list.
class tls_session {
public:
  /// Errors: unhandled.
  static expected<tls_session> over(int socket, const tls_context& context, tls_role role);

  /// To be called until it is done or has failed, each time when the socket is ready for what it wants.
  tls_outcome shake_hands();

  /// Why shake_hands() failed, for people.
  const std::string& why_failed() const { return why_failed_; }

  /// At most `size` bytes (more than 0); `count` of them were moved if the outcome is `done`, and none otherwise. A write
  /// that was not done must be repeated with the same bytes.
  tls_outcome read(void* data, std::size_t size, std::size_t& count);
  tls_outcome write(const void* data, std::size_t size, std::size_t& count);

  /// Bytes that can be read although the socket may have none.
  std::size_t pending() const;

private:
  explicit tls_session(SSL* session) : session_(session) {}
  tls_outcome outcome_of(int result);

  std::unique_ptr<SSL, openssl_free<SSL_free>> session_;
  std::string why_failed_;
};

/// Closes a socket at the end of its life. Move-only.
class socket_handle {
public:
  explicit socket_handle(int socket) : socket_(socket) {}
  socket_handle(socket_handle&& other) noexcept : socket_(other.release()) {}
  socket_handle& operator=(socket_handle&&) = delete;
  ~socket_handle();

  int get() const { return socket_; }
  int release() { return std::exchange(socket_, -1); }

private:
  int socket_; ///< -1: not ours any more
};

/// A connection on which both sides know each other for nodes of one cluster.
struct tls_connection {
  socket_handle socket;
  tls_session session;
};

} // namespace geartrain
