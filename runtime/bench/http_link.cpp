#include "runtime/bench/http_link.hpp"

#include "runtime/config.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <optional>

namespace geartrain::bench {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::uint64_t reply_limit_bytes = std::uint64_t{256} << 20;
constexpr std::chrono::seconds call_patience{60};

} // namespace

/// Lives as long as an operation of its socket does; `done_` is empty once nobody waits for it.
class http_link::connection : public std::enable_shared_from_this<connection> {
public:
  connection(event_loop& loop, const tcp::endpoint& node) : socket_(loop.io()), node_(node) {
    request_.version(11);
    request_.set(http::field::host, fmt::format("{}:{}", node.address().to_string(), node.port()));
    request_.set(http::field::content_type, "application/json");
  }

  void send(std::string target, std::string json_body, handler done) {
    done_ = std::move(done);
    request_.method(json_body.empty() ? http::verb::get : http::verb::post);
    request_.target(target);
    request_.body() = std::move(json_body);
    request_.prepare_payload();
    if (socket_.is_open())
      return write();
    socket_.async_connect(node_, [self = shared_from_this()](const error_code& error) {
      if (error)
        return self->fail(error);
      error_code ignored;
      self->socket_.set_option(tcp::no_delay{true}, ignored);
      self->write();
    });
  }

  void close() {
    done_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
  }

private:
  void write() {
    http::async_write(socket_, request_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error)
        return self->fail(error);
      self->read();
    });
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(reply_limit_bytes);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error)
        return self->fail(error);
      self->finish();
    });
  }

  void finish() {
    auto reply = parser_->release();
    error_code ignored;
    if (!reply.keep_alive())
      socket_.close(ignored);
    if (auto done = std::exchange(done_, nullptr))
      done(http_reply{reply.result_int(), reply.body()});
  }

  void fail(const error_code& error) {
    error_code ignored;
    socket_.close(ignored);
    buffer_.clear();
    if (auto done = std::exchange(done_, nullptr))
      done(failure{errc::unavailable, "the node does not answer: " + error.message()});
  }

  tcp::socket socket_;
  tcp::endpoint node_;
  http::request<http::string_body> request_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  handler done_;
};

http_link::http_link(event_loop& loop, const tcp::endpoint& node)
  : connection_(std::make_shared<connection>(loop, node)) {}

http_link::~http_link() {
  if (connection_)
    connection_->close();
}

http_link::http_link(http_link&&) noexcept = default;

void http_link::send(std::string target, std::string json_body, handler done) {
  connection_->send(std::move(target), std::move(json_body), std::move(done));
}

expected<tcp::endpoint> endpoint_of(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  auto address = url.starts_with(scheme) ? parse_listen_address(url.substr(scheme.size())) : std::nullopt;
  if (!address)
    return failure{errc::invalid, fmt::format("\"{}\" is not http://ADDRESS:PORT", url)};
  error_code wrong;
  auto host = boost::asio::ip::make_address(address->host, wrong);
  if (wrong)
    return failure{errc::invalid, fmt::format("\"{}\": {}", url, wrong.message())};
  return tcp::endpoint{host, address->port};
}

expected<std::string> call(event_loop& loop, http_link& link, std::string target, std::string json_body) {
  auto answer = std::make_shared<std::optional<expected<std::string>>>(); // may be answered after we gave up
  link.send(target, std::move(json_body), [answer, target](const expected<http_reply>& reply) {
    if (!reply)
      answer->emplace(reply.error());
    else if (reply->status < 200 || reply->status > 299)
      answer->emplace(failure{
        errc::invalid, fmt::format("{} was answered {}: {}", target, reply->status, reply->body.substr(0, 500))});
    else
      answer->emplace(std::string{reply->body});
  });
  if (!loop.run_until([&] { return answer->has_value(); }, call_patience))
    return failure{errc::timeout, target + " was not answered in time"};
  return std::move(**answer);
}

} // namespace geartrain::bench
