#include "runtime/cli/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace geartrain {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr std::uint64_t answer_limit_bytes = std::uint64_t{512} << 20;

/// One exchange. Each step is asynchronous, because only those obey a deadline, and is waited for at once.
class exchange {
public:
  explicit exchange(milliseconds deadline)
    : expires_(std::chrono::steady_clock::now() + deadline), stream_(context_), resolver_(context_) {}

  boost::system::error_code connect(const std::string& host, const std::string& port) {
    tcp::resolver::results_type found;
    boost::system::error_code result;
    resolver_.async_resolve(host, port, [&](boost::system::error_code error, tcp::resolver::results_type r) {
      result = error;
      found = std::move(r);
    });
    run();
    if (result)
      return result;
    stream_.expires_at(expires_);
    stream_.async_connect(found, [&](boost::system::error_code error, const tcp::endpoint&) { result = error; });
    run();
    return result;
  }

  boost::system::error_code write(const http::request<http::string_body>& request) {
    boost::system::error_code result;
    stream_.expires_at(expires_);
    http::async_write(stream_, request, [&](boost::system::error_code error, std::size_t) { result = error; });
    run();
    return result;
  }

  boost::system::error_code read(http::response_parser<http::string_body>& answer) {
    boost::system::error_code result;
    answer.body_limit(answer_limit_bytes);
    stream_.expires_at(expires_);
    http::async_read(stream_, buffer_, answer, [&](boost::system::error_code error, std::size_t) { result = error; });
    run();
    return result;
  }

private:
  void run() {
    context_.restart();
    context_.run();
  }

  std::chrono::steady_clock::time_point expires_;
  asio::io_context context_{1};
  beast::tcp_stream stream_;
  tcp::resolver resolver_;
  beast::flat_buffer buffer_;
};

bool is_port(std::string_view text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

} // namespace

expected<http_client> http_client::for_url(std::string_view url) {
  failure wrong{errc::invalid, fmt::format("\"{}\" is no usable URL; give one such as http://127.0.0.1:8080", url)};
  constexpr std::string_view scheme = "http://";
  if (url.starts_with("https://"))
    return failure{errc::invalid, "https is not supported by this program; give an http:// URL"};
  if (!url.starts_with(scheme) || url.find_first_of(" ?#@") != std::string_view::npos)
    return wrong;
  auto rest = url.substr(scheme.size());
  auto slash = std::min(rest.find('/'), rest.size());
  auto authority = rest.substr(0, slash);
  auto prefix = rest.substr(slash);
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  auto colon = authority.rfind(':');
  bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  auto host = has_port ? authority.substr(0, colon) : authority;
  auto port = has_port ? authority.substr(colon + 1) : std::string_view{"80"};
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  if (host.empty() || !is_port(port))
    return wrong;
  http_client client;
  client.url_ = std::string{scheme}.append(authority).append(prefix);
  client.authority_ = authority;
  client.host_ = host;
  client.port_ = port;
  client.prefix_ = prefix;
  return client;
}

expected<http_answer> http_client::send(const http_call& call) const {
  exchange wire{call.deadline};
  auto failed = [&](const boost::system::error_code& error) -> failure {
    if (error == beast::error::timeout)
      return {errc::timeout, fmt::format("no answer from {} within {} ms", url_, call.deadline.count())};
    return {errc::unavailable, fmt::format("can't reach {}: {}", url_, error.message())};
  };
  if (auto error = wire.connect(host_, port_))
    return failed(error);
  http::request<http::string_body> request{http::string_to_verb(call.method), prefix_ + call.target, 11};
  request.set(http::field::host, authority_);
  request.set(http::field::accept, "application/json");
  request.set(http::field::user_agent, "geartrain");
  request.set(http::field::connection, "close");
  if (!call.content_type.empty())
    request.set(http::field::content_type, call.content_type);
  request.body() = call.body;
  request.prepare_payload();
  // A server that refuses early (a body over its limit) may answer and close before it has read everything.
  auto write_error = wire.write(request);
  http::response_parser<http::string_body> answer;
  if (auto error = wire.read(answer))
    return failed(write_error ? write_error : error);
  return http_answer{answer.get().result_int(), std::move(answer.get().body())};
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool plain = byte < 128 && (std::isalnum(byte) != 0 || std::string_view{"-._~"}.find(c) != std::string_view::npos);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

} // namespace geartrain
