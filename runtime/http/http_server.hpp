#pragma once

#include "messages/expected.hpp"
#include "messages/time.hpp"
#include "runtime/http/router.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace geartrain {

/// Bounds of the HTTP server. Times in milliseconds, sizes in bytes.
struct http_config {
  std::string address = "127.0.0.1"; ///< an IP address, v4 or v6
  std::uint16_t port = 8080;         ///< 0: the system picks a free one
  std::size_t threads = 1;
  std::size_t max_connections = 8192;                    ///< more are answered 503 with Retry-After
  std::size_t max_header_bytes = 16384;                  ///< more: 431
  milliseconds idle_timeout{75000};                      ///< between requests: closed silently
  milliseconds read_timeout{30000};                      ///< from a request's first byte to its last: 408
  milliseconds write_timeout{30000};                     ///< for a client to take its answer: closed
  milliseconds linger{2000};                             ///< how long a refused request's rest is read and thrown away
  std::size_t max_drained_bytes = std::size_t{64} << 20; ///< at most so much of it
  std::size_t max_bodies_bytes = std::size_t{512} << 20; ///< of all bodies being received or handled; more: 503
  unsigned retry_after_seconds = 1;                      ///< in the answer to a connection over the bound
};

/// HTTP/1.1 server on its own threads: keep-alive, pipelined requests in order, answers from any thread at any time.
///
/// Every refusal, malformed requests included, has the JSON error body. Thread-safe.
class http_server {
public:
  /// Binds, listens and serves. errc::invalid for an unusable address, errc::unavailable if the port is taken.
  static expected<std::unique_ptr<http_server>> start(http_config config, router routes);

  /// Stops at once if stop() was not called.
  ~http_server();

  /// The port that is really listened on.
  std::uint16_t port() const;

  /// For example "http://127.0.0.1:8080".
  std::string url() const;

  /// Everything goes on, but each answer ends its connection, so that clients find another server in time.
  void say_goodbye();

  /// Stops accepting and closes idle connections; requests in flight, and those half received, are still answered, with
  /// `Connection: close`. Returns at once; call stop() afterwards.
  void drain();

  /// drain(), waits until every request is answered or `deadline` has passed, closes what is left and ends the threads.
  /// True if nothing had to be cut off. Later answers through responders do nothing. Not from a thread of the server.
  bool stop(milliseconds deadline);

private:
  class core;
  explicit http_server(std::unique_ptr<core> impl);
  std::unique_ptr<core> core_;
};

} // namespace geartrain
