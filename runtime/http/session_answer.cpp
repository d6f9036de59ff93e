#include "runtime/http/request_parse.hpp"
#include "runtime/http/response_head.hpp"
#include "runtime/http/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

// From a complete request to its written answer. Reading is in session.cpp.

namespace geartrain {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

bool has_body(const beast_request& request) {
  return !request.body().empty() || request.chunked() || request.count(http::field::content_length) > 0;
}

/// A body that is announced but empty needs no content type.
bool is_empty_body(const beast_request& request) {
  return request[http::field::content_length] == "0" && request.body().empty();
}

} // namespace

void session::dispatch() {
  set_deadline(std::nullopt);
  began_ = clock::now();
  close_after_ = !parser_->keep_alive();
  if (auto early = preflight())
    return write(std::move(*early), nullptr);
  if (auto early = early_answer())
    return write(std::move(*early), nullptr);

  phase_ = phase::handling;
  server_.routes.metrics()->pending.fetch_add(1, std::memory_order_relaxed);
  slot_ = std::make_shared<reply_slot>([weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self)
      return;
    auto executor = self->socket_.get_executor();
    asio::post(executor, [self = std::move(self)] { self->on_answer(); });
  });
  if (peer_closed_)
    slot_->peer_left();
  responder reply{slot_};
  read();
  try {
    match_.found->handler(take_request(parser_->release(), std::move(match_.params), request_id_), reply);
  } catch (const std::exception& e) {
    spdlog::error("request={} route={} died of an exception: {}", request_id_, match_.found->pattern, e.what());
    reply(error_response(500, "INTERNAL_ERROR", "an internal error occurred"));
  }
}

/// The answer if no handler is needed for it: 404, 405 and 415.
std::optional<http_response> session::early_answer() const {
  if (!match_.found && match_.allow.empty())
    return error_response(404, "NOT_FOUND", "there is no such route");
  if (!match_.found) {
    auto refused = error_response(405, "METHOD_NOT_ALLOWED", "this route takes only " + match_.allow);
    refused.headers.emplace_back("Allow", match_.allow);
    return refused;
  }
  const auto& request = parser_->get();
  if (match_.found->method == "GET" || !has_body(request) || is_empty_body(request))
    return std::nullopt;
  auto given = media_type(request);
  const auto& taken = match_.found->options.content_types;
  if (std::find(taken.begin(), taken.end(), given) == taken.end()) {
    std::string message = given.empty() ? "the body needs a content type: " : "the content type must be one of ";
    for (const auto& type : taken)
      message += (&type == &taken.front() ? "" : ", ") + type;
    return error_response(415, "UNSUPPORTED_MEDIA_TYPE", message);
  }
  auto encoding = request[http::field::content_encoding];
  if (!encoding.empty() && !boost::beast::iequals(encoding, "identity"))
    return error_response(415, "UNSUPPORTED_MEDIA_TYPE", "content encodings are not supported");
  return std::nullopt;
}

/// The answer to a browser that asks whether it may call.
std::optional<http_response> session::preflight() const {
  const auto& request = parser_->get();
  if (origin_.empty() || request.method() != http::verb::options ||
      request.count(http::field::access_control_request_method) == 0)
    return std::nullopt;
  http_response allowed;
  allowed.status = 204;
  allowed.headers.emplace_back("Access-Control-Allow-Methods", match_.allow.empty() ? "GET, POST" : match_.allow);
  allowed.headers.emplace_back("Access-Control-Allow-Headers", "content-type, x-request-id");
  allowed.headers.emplace_back("Access-Control-Max-Age", "600");
  return allowed;
}

void session::on_answer() {
  if (phase_ != phase::handling)
    return;
  auto answer = slot_->take();
  if (!answer)
    return;
  slot_.reset();
  server_.routes.metrics()->pending.fetch_sub(1, std::memory_order_relaxed);
  if (answer->done && peer_closed_) { // who cares about delivery must not be told of a write into the void
    answer->done(false);
    return close();
  }
  write(compose(*answer), std::move(answer->done));
}

http_response session::compose(const reply_slot::answer& answer) const {
  try {
    return answer.compose();
  } catch (const std::exception& e) {
    spdlog::error("request={} route={} died of an exception: {}", request_id_, match_.found->pattern, e.what());
    return error_response(500, "INTERNAL_ERROR", "an internal error occurred");
  }
}

/// Answers a request that was not read to its end, and gives up on the connection.
void session::refuse(http_response response) {
  close_after_ = true;
  linger_after_ = true;
  write(std::move(response), nullptr);
}

void session::refuse_malformed(error_code error) {
  if (request_id_.empty())
    request_id_ = request_id_of(nullptr);
  if (error == http::error::header_limit)
    return refuse(
      error_response(431, "HEADERS_TOO_LARGE",
                     "the headers may have at most " + std::to_string(server_.config.max_header_bytes) + " bytes"));
  if (error == http::error::body_limit)
    return refuse(error_response(413, "PAYLOAD_TOO_LARGE", "the body is over the limit"));
  refuse(error_response(400, "BAD_REQUEST", "malformed HTTP request: " + error.message()));
}

void session::write(http_response response, std::function<void(bool)> done) {
  phase_ = phase::writing;
  close_after_ = close_after_ || server_.leaving.load();
  set_deadline(server_.config.write_timeout);
  auto& metrics = match_.found ? *match_.found->metrics : server_.routes.metrics()->unmatched();
  metrics.observe(response.status, clock::now() - began_);
  out_head_ = response_head(response, {request_id_, origin_, close_after_, http_1_0_});
  out_body_ = head_only_ || response.status == 204 ? std::string{} : std::move(response.body);
  std::array<asio::const_buffer, 2> parts{asio::buffer(out_head_), asio::buffer(out_body_)};
  asio::async_write(socket_, parts, [self = shared_from_this(), done = std::move(done)](error_code error, std::size_t) {
    self->on_written(error, done);
  });
  read();
}

void session::on_written(error_code error, const std::function<void(bool)>& done) {
  if (done)
    done(!error);
  if (phase_ == phase::closed)
    return;
  if (error)
    return close();
  if (!close_after_)
    return next_request();
  return linger_after_ ? linger() : close();
}

void session::next_request() {
  server_.body_bytes.fetch_sub(std::exchange(reserved_, 0), std::memory_order_relaxed);
  parser_.reset();
  head_seen_ = false;
  match_ = {};
  request_id_.clear();
  origin_.clear();
  out_body_ = {};
  phase_ = phase::idle;
  parse();
}

} // namespace geartrain
