#include "runtime/http/session.hpp"

#include "runtime/http/request_parse.hpp"
#include "runtime/http/url.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <limits>
#include <utility>

// Reading a request. What happens to a complete one is in session_answer.cpp.

namespace geartrain {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t small_chunk = 8192;
constexpr std::size_t large_chunk = 65536;
constexpr std::size_t read_ahead = 131072; // pipelined bytes kept while an answer is awaited; then reading pauses
constexpr std::size_t default_body_limit = std::size_t{1} << 20; // where no route says another
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

} // namespace

// -- server_state ------------------------------------------------------------------

void server_state::add(const std::shared_ptr<session>& one) {
  std::lock_guard guard{mutex_};
  sessions_.emplace(one.get(), one);
}

void server_state::remove(const session* one) {
  std::shared_ptr<session> last; // destroyed after the lock is gone
  std::lock_guard guard{mutex_};
  auto found = sessions_.find(one);
  if (found == sessions_.end())
    return;
  last = std::move(found->second);
  sessions_.erase(found);
  if (sessions_.empty())
    empty_.notify_all();
}

std::vector<std::shared_ptr<session>> server_state::all() {
  std::lock_guard guard{mutex_};
  std::vector<std::shared_ptr<session>> result;
  result.reserve(sessions_.size());
  for (const auto& entry : sessions_)
    result.push_back(entry.second);
  return result;
}

bool server_state::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{mutex_};
  return empty_.wait_until(lock, deadline, [this] { return sessions_.empty(); });
}

// -- any thread ----------------------------------------------------------------------

session::session(socket_type socket, server_state& server)
  : socket_(std::move(socket)), server_(server), deadline_(never) {
  auto& metrics = *server_.routes.metrics();
  metrics.accepted.fetch_add(1, std::memory_order_relaxed);
  metrics.connections.fetch_add(1, std::memory_order_relaxed);
}

session::~session() {
  server_.routes.metrics()->connections.fetch_sub(1, std::memory_order_relaxed);
}

void session::start(bool over_bound) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), over_bound] {
    error_code ignored;
    self->socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    if (!over_bound)
      return self->parse();
    auto busy = error_response(503, "BACKPRESSURE", "too many connections");
    busy.headers.emplace_back("Retry-After", std::to_string(self->server_.config.retry_after_seconds));
    self->request_id_ = request_id_of(nullptr);
    self->began_ = clock::now();
    self->refuse(std::move(busy));
  });
}

void session::drain() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    error_code ignored; // a request that is in the kernel's buffer already is still answered
    if (self->phase_ == phase::idle && self->socket_.available(ignored) == 0)
      self->close();
  });
}

void session::abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

void session::check_deadline(clock::time_point now) {
  if (now.time_since_epoch().count() >= deadline_.load(std::memory_order_relaxed))
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->on_deadline(); });
}

// -- reading -------------------------------------------------------------------------

void session::read() {
  bool parsing = phase_ == phase::idle || phase_ == phase::reading;
  if (read_pending_ || peer_closed_ || phase_ == phase::closed || (!parsing && buffer_.size() >= read_ahead))
    return;
  auto size = phase_ == phase::reading && head_seen_ ? large_chunk : small_chunk;
  if (chunk_.size() < size || (chunk_.size() > size && phase_ == phase::idle))
    chunk_ = std::vector<char>(size);
  read_pending_ = true;
  socket_.async_read_some(asio::buffer(chunk_),
                          [self = shared_from_this()](error_code error, std::size_t n) { self->on_read(error, n); });
}

void session::on_read(error_code error, std::size_t size) {
  read_pending_ = false;
  if (phase_ == phase::closed)
    return;
  if (error)
    return on_read_end(error);
  if (phase_ == phase::lingering) {
    drained_ += size;
    return drained_ > server_.config.max_drained_bytes ? close() : read();
  }
  auto copied = asio::buffer_copy(buffer_.prepare(size), asio::buffer(chunk_, size));
  buffer_.commit(copied);
  if ((phase_ == phase::idle || phase_ == phase::reading) && !continuing_)
    parse();
  else
    read();
}

void session::on_read_end(error_code error) {
  peer_closed_ = true;
  auto orderly = error == asio::error::eof;
  if (orderly && phase_ == phase::handling) {
    // The client may have closed only its sending side: a plain answer is still written, but nobody waits any longer.
    server_.routes.metrics()->disconnected.fetch_add(1, std::memory_order_relaxed);
    slot_->peer_left();
  } else if (!orderly || (phase_ != phase::writing && !continuing_)) {
    close();
  }
}

void session::parse() {
  if (!parser_ && !begin_request())
    return await_bytes();
  for (;;) {
    if (buffer_.size() == 0)
      return await_bytes();
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == http::error::need_more && buffer_.size() <= read_ahead)
      return await_bytes();
    if (error)
      return refuse_malformed(error);
    if (!head_seen_ && parser_->is_header_done() && !head_complete())
      return;
    if (parser_->is_done())
      return dispatch();
  }
}

/// False if the buffer holds nothing of a next request.
bool session::begin_request() {
  while (buffer_.size() > 0) { // RFC 7230, 3.5: empty lines before a request are ignored
    auto first = *static_cast<const char*>(buffer_.data().data());
    if (first != '\r' && first != '\n')
      break;
    buffer_.consume(1);
  }
  if (buffer_.size() == 0)
    return false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_.config.max_header_bytes));
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max()); // the route's limit comes when the route is known
  phase_ = phase::reading;
  began_ = clock::now();
  set_deadline(server_.config.read_timeout);
  return true;
}

void session::await_bytes() {
  if (peer_closed_)
    return close();
  if (!parser_) {
    if (server_.draining.load())
      return close();
    phase_ = phase::idle;
    if (buffer_.capacity() > small_chunk)
      buffer_.shrink_to_fit();
    set_deadline(server_.config.idle_timeout);
  }
  read();
}

/// Decides by the head alone what can be decided. False if the rest of the request is not wanted, or not yet.
bool session::head_complete() {
  head_seen_ = true;
  const auto& head = parser_->get();
  request_id_ = request_id_of(&head);
  origin_ = server_.routes.allowed_origin(std::string{head[http::field::origin]});
  head_only_ = head.method() == http::verb::head;
  http_1_0_ = head.version() < 11;
  if (auto wrong = check_head(head)) {
    refuse(std::move(*wrong));
    return false;
  }
  auto method = head.method_string();
  auto target = head.target();
  match_ = server_.routes.match({method.data(), method.size()}, path_of({target.data(), target.size()}));
  auto limit = match_.found ? match_.found->options.max_body_bytes : default_body_limit;
  if (parser_->content_length().value_or(0) > limit) {
    refuse(error_response(413, "PAYLOAD_TOO_LARGE", "the body may have at most " + std::to_string(limit) + " bytes"));
    return false;
  }
  parser_->body_limit(limit);
  if (!reserve_body(limit)) {
    auto busy = error_response(503, "BACKPRESSURE", "too many large bodies at one time");
    busy.headers.emplace_back("Retry-After", std::to_string(server_.config.retry_after_seconds));
    refuse(std::move(busy));
    return false;
  }
  if (parser_->is_done() || !expects_continue(head))
    return true;
  if (auto early = early_answer()) {
    refuse(std::move(*early));
    return false;
  }
  if (buffer_.size() > 0) // the client did not wait for it
    return true;
  write_continue();
  return false;
}

bool session::reserve_body(std::size_t limit) {
  if (parser_->is_done())
    return true;
  auto length = parser_->content_length();
  reserved_ = length ? static_cast<std::size_t>(*length) : limit;
  auto before = server_.body_bytes.fetch_add(reserved_, std::memory_order_relaxed);
  if (before + reserved_ <= server_.config.max_bodies_bytes || before == 0)
    return true;
  server_.body_bytes.fetch_sub(std::exchange(reserved_, 0), std::memory_order_relaxed);
  return false;
}

void session::write_continue() {
  static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  continuing_ = true;
  asio::async_write(socket_, asio::buffer(line), [self = shared_from_this()](error_code error, std::size_t) {
    self->continuing_ = false;
    if (self->phase_ == phase::closed)
      return;
    if (error)
      return self->close();
    if (self->phase_ == phase::reading)
      self->parse();
  });
  read();
}

// -- end -----------------------------------------------------------------------------

void session::linger() {
  // Closing with unread bytes resets the connection, and the client might never see the answer.
  error_code ignored;
  socket_.shutdown(socket_type::shutdown_send, ignored);
  if (peer_closed_)
    return close();
  phase_ = phase::lingering;
  buffer_.clear();
  set_deadline(server_.config.linger);
  read();
}

void session::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  set_deadline(std::nullopt);
  error_code ignored;
  socket_.shutdown(socket_type::shutdown_both, ignored);
  socket_.close(ignored);
  server_.body_bytes.fetch_sub(std::exchange(reserved_, 0), std::memory_order_relaxed);
  auto& metrics = *server_.routes.metrics();
  if (auto slot = std::exchange(slot_, nullptr)) {
    metrics.pending.fetch_sub(1, std::memory_order_relaxed);
    if (!peer_closed_)
      metrics.disconnected.fetch_add(1, std::memory_order_relaxed);
    slot->detach();
  }
  server_.remove(this);
}

void session::set_deadline(std::optional<milliseconds> from_now) {
  deadline_.store(from_now ? (clock::now() + *from_now).time_since_epoch().count() : never, std::memory_order_relaxed);
}

void session::on_deadline() {
  if (clock::now().time_since_epoch().count() < deadline_.load(std::memory_order_relaxed))
    return;
  switch (phase_) {
    case phase::idle:
    case phase::writing:
    case phase::lingering:
      return close();
    case phase::reading:
      server_.routes.metrics()->timed_out.fetch_add(1, std::memory_order_relaxed);
      if (request_id_.empty())
        request_id_ = request_id_of(nullptr);
      return continuing_ ? close() : refuse(error_response(408, "TIMEOUT", "the request did not arrive in time"));
    case phase::handling:
    case phase::closed:
      return;
  }
}

} // namespace geartrain
