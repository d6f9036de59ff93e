#pragma once

#include "messages/expected.hpp"
#include "runtime/bench/event_loop.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace geartrain::bench {

struct http_reply {
  unsigned status = 0;
  std::string_view body; ///< valid during the call
};

/// One kept connection to a node, one exchange at a time; connects when it has to. Not thread-safe.
class http_link {
public:
  using handler = std::function<void(const expected<http_reply>& reply)>;

  http_link(event_loop& loop, const boost::asio::ip::tcp::endpoint& node);

  /// The handler of an open exchange is dropped.
  ~http_link();
  http_link(http_link&&) noexcept;
  http_link& operator=(http_link&&) = delete;

  /// Sends a request, a POST if it has a body. The handler, which may send the next, gets any status as a reply, or
  /// errc::unavailable.
  void send(std::string target, std::string json_body, handler done);

private:
  class connection;
  std::shared_ptr<connection> connection_;
};

/// Where "http://ADDRESS:PORT" leads. errc::invalid if it is no such text.
expected<boost::asio::ip::tcp::endpoint> endpoint_of(std::string_view url);

/// One exchange, waited for while the loop goes on. The answer is the body of a 2xx; everything else is a failure.
expected<std::string> call(event_loop& loop, http_link& link, std::string target, std::string json_body = {});

} // namespace geartrain::bench
