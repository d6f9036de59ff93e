#include "runtime/cluster/handshakes.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace geartrain {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr milliseconds accept_pause{100};    // after the system refused a new connection
constexpr std::chrono::seconds log_pause{1}; // between two lines about strangers at the door

/// One handshake on a connected socket, under a deadline.
class handshake : public std::enable_shared_from_this<handshake> {
public:
  handshake(tcp::socket socket, handshakes::connected done)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), done_(std::move(done)) {}

  void start(const tls_context& context, tls_role role, milliseconds patience) {
    error_code error;
    socket_.native_non_blocking(true, error);
    if (error)
      return fail(failure{errc::unavailable, error.message()});
    auto session = tls_session::over(socket_.native_handle(), context, role);
    if (!session)
      return fail(session.error());
    session_.emplace(std::move(*session));
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled)
        self->fail(failure{errc::timeout, "the peer did not finish the TLS handshake in time"});
    });
    step();
  }

private:
  void step() {
    switch (session_->shake_hands()) {
      case tls_outcome::wants_read:
        return wait(tcp::socket::wait_read);
      case tls_outcome::wants_write:
        return wait(tcp::socket::wait_write);
      case tls_outcome::failed:
        return fail(failure{errc::unavailable, session_->why_failed()});
      case tls_outcome::done:
        return succeed();
    }
  }

  void wait(tcp::socket::wait_type what) {
    socket_.async_wait(what, [self = shared_from_this()](error_code error) {
      if (self->done_ && !error)
        self->step();
    });
  }

  void succeed() {
    error_code error;
    socket_handle socket{socket_.release(error)};
    if (error)
      return fail(failure{errc::unavailable, error.message()});
    timer_.cancel();
    std::exchange(done_, nullptr)(tls_connection{std::move(socket), std::move(*session_)});
  }

  void fail(failure why) {
    if (!done_)
      return;
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    std::exchange(done_, nullptr)(std::move(why));
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  handshakes::connected done_; ///< empty: finished
  std::optional<tls_session> session_;
};

/// From the name of a host to a connected socket, under a deadline.
class dialing : public std::enable_shared_from_this<dialing> {
public:
  using connected = std::function<void(expected<tcp::socket>)>;

  dialing(asio::io_context& context, connected done)
    : socket_(context), resolver_(context), timer_(context), done_(std::move(done)) {}

  void start(const std::string& host, std::uint16_t port, milliseconds patience) {
    timer_.expires_after(patience);
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled)
        self->fail(failure{errc::timeout, "no connection in time"});
    });
    error_code no_address;
    auto address = asio::ip::make_address(host, no_address);
    if (!no_address) {
      socket_.async_connect({address, port}, [self = shared_from_this()](error_code error) { self->settle(error); });
      return;
    }
    // The library asks the system for the name on a thread of its own.
    resolver_.async_resolve(host, std::to_string(port),
                            [self = shared_from_this()](error_code error, tcp::resolver::results_type found) {
                              if (error || !self->done_)
                                return self->settle(error);
                              self->connect(std::move(found));
                            });
  }

private:
  void connect(tcp::resolver::results_type found) {
    asio::async_connect(socket_, found,
                        [self = shared_from_this()](error_code error, const tcp::endpoint&) { self->settle(error); });
  }

  void settle(error_code error) {
    if (error)
      return fail(failure{errc::unavailable, error.message()});
    if (!done_)
      return;
    timer_.cancel();
    std::exchange(done_, nullptr)(std::move(socket_));
  }

  void fail(failure why) {
    if (!done_)
      return;
    timer_.cancel();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    std::exchange(done_, nullptr)(std::move(why));
  }

  tcp::socket socket_;
  tcp::resolver resolver_;
  asio::steady_timer timer_;
  connected done_; ///< empty: finished
};

} // namespace

class handshakes::core {
public:
  core(tls_context tls, handshake_limits limits)
    : tls_(std::move(tls)), limits_(limits), acceptor_(context_), pause_(context_), thread_([this] {
        context_.run();
      }) {}

  ~core() {
    context_.stop();
    thread_.join();
  }

  expected<std::uint16_t> listen(const std::string& address, std::uint16_t port, accepted take) {
    std::promise<expected<std::uint16_t>> opened;
    auto answer = opened.get_future();
    asio::post(context_, [&] { opened.set_value(open(address, port, std::move(take))); });
    return answer.get();
  }

  void connect(const std::string& host, std::uint16_t port, connected done) {
    asio::post(context_, [this, host, port, done = std::move(done)]() mutable {
      auto proceed = [this, done = std::move(done)](expected<tcp::socket> socket) {
        if (!socket)
          return done(socket.error());
        std::make_shared<handshake>(std::move(*socket), done)->start(tls_, tls_role::client, limits_.secure);
      };
      std::make_shared<dialing>(context_, std::move(proceed))->start(host, port, limits_.connect);
    });
  }

private:
  expected<std::uint16_t> open(const std::string& address, std::uint16_t port, accepted take) {
    auto refused = [&](error_code error) {
      error_code ignored;
      acceptor_.close(ignored);
      return failure{errc::unavailable,
                     "can't listen at " + address + ":" + std::to_string(port) + ": " + error.message()};
    };
    error_code error;
    tcp::endpoint at{asio::ip::make_address(address, error), port};
    if (error || acceptor_.open(at.protocol(), error))
      return refused(error);
    acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
    if (error || acceptor_.bind(at, error) || acceptor_.listen(asio::socket_base::max_listen_connections, error))
      return refused(error);
    at = acceptor_.local_endpoint(error);
    if (error)
      return refused(error);
    take_ = std::move(take);
    accept();
    return at.port();
  }

  void accept() {
    if (std::exchange(accepting_, true))
      return;
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      accepting_ = false;
      if (error)
        return accept_later();
      greet(std::move(socket));
      if (incoming_ < limits_.most_incoming)
        accept();
    });
  }

  // Mostly for want of file descriptors; at once it would fail again.
  void accept_later() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](error_code cancelled) {
      if (!cancelled)
        accept();
    });
  }

  void greet(tcp::socket socket) {
    ++incoming_;
    error_code ignored;
    auto from = socket.remote_endpoint(ignored).address().to_string(ignored);
    auto done = [this, from](expected<tls_connection> connection) {
      --incoming_;
      accept();
      if (connection)
        take_(std::move(*connection));
      else
        log_refusal(from, connection.error());
    };
    std::make_shared<handshake>(std::move(socket), std::move(done))->start(tls_, tls_role::server, limits_.secure);
  }

  void log_refusal(const std::string& from, const failure& why) {
    ++unlogged_refusals_;
    auto now = std::chrono::steady_clock::now();
    if (now - logged_at_ < log_pause)
      return;
    spdlog::warn("cluster: a connection from={} is refused: {} (refusals since the last such line: {})", from,
                 why.message, unlogged_refusals_);
    logged_at_ = now;
    unlogged_refusals_ = 0;
  }

  tls_context tls_;
  handshake_limits limits_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  accepted take_;
  bool accepting_ = false; ///< an accept is under way
  std::size_t incoming_ = 0;
  std::uint64_t unlogged_refusals_ = 0;
  std::chrono::steady_clock::time_point logged_at_;
  std::thread thread_; ///< last: it uses the rest
};

handshakes::handshakes(tls_context context, handshake_limits limits)
  : core_(std::make_unique<core>(std::move(context), limits)) {}

handshakes::~handshakes() = default;

expected<std::uint16_t> handshakes::listen(const std::string& address, std::uint16_t port, accepted take) {
  return core_->listen(address, port, std::move(take));
}

void handshakes::connect(const std::string& host, std::uint16_t port, connected done) {
  core_->connect(host, port, std::move(done));
}

} // namespace geartrain
