#include "runtime/http/http_server.hpp"

#include "runtime/http/session.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace geartrain {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr std::int64_t max_refusals = 256;    // connections over the bound that get an answer at one time
constexpr milliseconds accept_pause{100};     // after the system refused a new connection
constexpr std::size_t spare_descriptors = 64; // for everything that is not a connection

/// Each connection is a file descriptor, and the usual limit of 1024 is below our bound.
void raise_descriptor_limit(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  auto wanted = std::min<rlim_t>(limit.rlim_max, connections + spare_descriptors);
  if (limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

milliseconds sweep_interval(const http_config& config) {
  auto shortest = std::min({config.idle_timeout, config.read_timeout, config.write_timeout, config.linger});
  return std::clamp(shortest / 4, milliseconds{5}, milliseconds{500});
}

} // namespace

/// Threads, the listening socket and the timer that looks for overdue connections.
class http_server::core {
public:
  core(http_config config, router routes)
    : state_(std::move(config), std::move(routes)),
      context_(static_cast<int>(state_.config.threads)),
      acceptor_(asio::make_strand(context_)),
      accept_timer_(acceptor_.get_executor()),
      sweeper_(asio::make_strand(context_)) {}

  std::optional<failure> listen();
  void run();
  void say_goodbye() { state_.leaving = true; }
  void drain();
  bool stop(milliseconds deadline);

  std::uint16_t port() const { return endpoint_.port(); }
  std::string url() const;

private:
  void accept();
  void on_accept(boost::system::error_code error, tcp::socket socket);
  void sweep();

  server_state state_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  asio::steady_timer sweeper_;
  tcp::endpoint endpoint_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false}; ///< no timer may be armed any more
};

std::optional<failure> http_server::core::listen() {
  boost::system::error_code error;
  auto address = asio::ip::make_address(state_.config.address, error);
  if (error)
    return failure{errc::invalid, "not an IP address to listen on: " + state_.config.address};
  tcp::endpoint wanted{address, state_.config.port};
  acceptor_.open(wanted.protocol(), error);
  if (!error)
    acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error)
    acceptor_.bind(wanted, error);
  if (!error)
    acceptor_.listen(1024, error);
  if (!error)
    endpoint_ = acceptor_.local_endpoint(error);
  if (error)
    return failure{errc::unavailable, "cannot listen on " + state_.config.address + " port " +
                                        std::to_string(state_.config.port) + ": " + error.message()};
  return std::nullopt;
}

void http_server::core::run() {
  raise_descriptor_limit(state_.config.max_connections);
  asio::post(acceptor_.get_executor(), [this] { accept(); });
  asio::post(sweeper_.get_executor(), [this] { sweep(); });
  for (std::size_t i = 0; i < state_.config.threads; ++i)
    threads_.emplace_back([this] { context_.run(); });
}

std::string http_server::core::url() const {
  auto address = endpoint_.address().to_string();
  return "http://" + (endpoint_.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(port());
}

void http_server::core::accept() {
  acceptor_.async_accept(asio::make_strand(context_), [this](boost::system::error_code error, tcp::socket socket) {
    on_accept(error, std::move(socket));
  });
}

void http_server::core::on_accept(boost::system::error_code error, tcp::socket socket) {
  if (state_.draining.load())
    return;
  if (error) {
    spdlog::warn("accepting a connection failed: {}", error.message());
    accept_timer_.expires_after(accept_pause);
    accept_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled && !state_.draining.load())
        accept();
    });
    return;
  }
  auto& metrics = *state_.routes.metrics();
  auto limit = static_cast<std::int64_t>(state_.config.max_connections);
  auto open = metrics.connections.load(std::memory_order_relaxed);
  if (open >= limit)
    metrics.refused.fetch_add(1, std::memory_order_relaxed);
  if (open < limit + max_refusals) {
    auto one = std::make_shared<session>(std::move(socket), state_);
    state_.add(one);
    one->start(open >= limit);
  }
  accept();
}

/// One timer for all timeouts: a request sets a number instead of arming and cancelling a timer.
void http_server::core::sweep() {
  sweeper_.expires_after(sweep_interval(state_.config));
  sweeper_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled || stopping_.load())
      return;
    auto now = session::clock::now();
    for (const auto& one : state_.all())
      one->check_deadline(now);
    sweep();
  });
}

void http_server::core::drain() {
  state_.leaving = true;
  if (state_.draining.exchange(true))
    return;
  asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    accept_timer_.cancel(ignored);
    for (const auto& one : state_.all())
      one->drain();
  });
}

bool http_server::core::stop(milliseconds deadline) {
  if (threads_.empty())
    return true;
  drain();
  auto complete = state_.wait_until_empty(std::chrono::steady_clock::now() + deadline);
  if (!complete)
    for (const auto& one : state_.all())
      one->abort();
  stopping_.store(true);
  asio::post(sweeper_.get_executor(), [this] { sweeper_.cancel(); });
  for (auto& thread : threads_) // they end when nothing is left to do
    thread.join();
  threads_.clear();
  return complete;
}

// -- http_server -----------------------------------------------------------------------

expected<std::unique_ptr<http_server>> http_server::start(http_config config, router routes) {
  config.threads = std::max<std::size_t>(config.threads, 1);
  auto impl = std::make_unique<core>(std::move(config), std::move(routes));
  if (auto wrong = impl->listen())
    return std::move(*wrong);
  impl->run();
  return std::unique_ptr<http_server>{new http_server(std::move(impl))};
}

http_server::http_server(std::unique_ptr<core> impl) : core_(std::move(impl)) {}

http_server::~http_server() {
  core_->stop(milliseconds{0});
}

std::uint16_t http_server::port() const {
  return core_->port();
}

std::string http_server::url() const {
  return core_->url();
}

void http_server::say_goodbye() {
  core_->say_goodbye();
}

void http_server::drain() {
  core_->drain();
}

bool http_server::stop(milliseconds deadline) {
  return core_->stop(deadline);
}

} // namespace geartrain
