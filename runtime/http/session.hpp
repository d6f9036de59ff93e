#pragma once

#include "runtime/http/http_server.hpp"
#include "runtime/http/reply_slot.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace geartrain {

class session;

/// What all connections of a server share. Outlives them.
struct server_state {
  server_state(http_config c, router r) : config(std::move(c)), routes(std::move(r)) {}

  void add(const std::shared_ptr<session>& one);
  void remove(const session* one);
  std::vector<std::shared_ptr<session>> all();

  /// True once no connection is left; false when `deadline` has passed first.
  bool wait_until_empty(std::chrono::steady_clock::time_point deadline);

  const http_config config;
  const router routes;
  std::atomic<bool> draining{false};
  std::atomic<bool> leaving{false};       ///< answers say `Connection: close`; nothing else has changed yet
  std::atomic<std::size_t> body_bytes{0}; ///< reserved for bodies that are being received or handled

private:
  std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_map<const session*, std::shared_ptr<session>> sessions_;
};

/// One connection: reads a request, has it answered, writes the answer, and so on, one request at a time.
///
/// Everything below the public functions runs on the socket's strand. A read is outstanding nearly always, also while an
/// answer is awaited or written: that is how a client that leaves is noticed, and where pipelined requests collect.
class session : public std::enable_shared_from_this<session> {
public:
  using socket_type = boost::asio::ip::tcp::socket;
  using clock = std::chrono::steady_clock;

  session(socket_type socket, server_state& server);
  ~session();

  // -- any thread ----------------------------------------------------------------

  /// Serves requests; or, if `over_bound`, answers 503 at once and closes.
  void start(bool over_bound);

  /// Closes if no request is under way; else after the answer.
  void drain();

  /// Closes without regard.
  void abort();

  /// Acts on the timeout that is running, if it is over. Cheap if it is not.
  void check_deadline(clock::time_point now);

private:
  enum class phase : std::uint8_t { idle, reading, handling, writing, lingering, closed };
  using parser_type = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using error_code = boost::beast::error_code;

  // -- reading ---------------------------------------------------------------------
  void read();
  void on_read(error_code error, std::size_t size);
  void on_read_end(error_code error);
  void parse();
  bool begin_request();
  void await_bytes();
  bool head_complete();
  bool reserve_body(std::size_t limit);
  void write_continue();

  // -- answering ---------------------------------------------------------------------
  void dispatch();
  std::optional<http_response> early_answer() const;
  std::optional<http_response> preflight() const;
  void on_answer();
  http_response compose(const reply_slot::answer& answer) const;
  void refuse(http_response response);
  void refuse_malformed(error_code error);
  void write(http_response response, std::function<void(bool)> done);
  void on_written(error_code error, const std::function<void(bool)>& done);
  void next_request();

  // -- end ---------------------------------------------------------------------------
  void linger();
  void close();
  void set_deadline(std::optional<milliseconds> from_now);
  void on_deadline();

  socket_type socket_;
  server_state& server_;
  phase phase_ = phase::idle;
  std::atomic<std::int64_t> deadline_; ///< steady_clock ticks

  std::vector<char> chunk_;          ///< where the outstanding read writes to
  boost::beast::flat_buffer buffer_; ///< bytes read and not yet parsed
  bool read_pending_ = false;
  bool peer_closed_ = false; ///< no more bytes will come
  std::size_t drained_ = 0;  ///< bytes thrown away while lingering

  // of the request under way
  std::optional<parser_type> parser_;
  bool head_seen_ = false;
  bool continuing_ = false; ///< "100 Continue" is being written
  bool close_after_ = false;
  bool linger_after_ = false; ///< the request was not read to its end
  std::size_t reserved_ = 0;  ///< of server_state::body_bytes
  route_match match_;
  std::string request_id_;
  std::string origin_;
  bool head_only_ = false;
  bool http_1_0_ = false;
  clock::time_point began_;
  std::shared_ptr<reply_slot> slot_;

  std::string out_head_;
  std::string out_body_;
};

} // namespace geartrain
