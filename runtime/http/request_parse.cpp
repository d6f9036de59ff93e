#include "runtime/http/request_parse.hpp"

#include "runtime/http/fresh_uuid.hpp"
#include "runtime/http/url.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace geartrain {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t max_request_id = 128;

std::string lower(boost::beast::string_view text) {
  std::string result{text.data(), text.size()};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= max_request_id &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

} // namespace

std::optional<http_response> check_head(const beast_request& head) {
  if (head.version() >= 11 && head.count(http::field::host) != 1)
    return error_response(400, "BAD_REQUEST", "an HTTP/1.1 request needs one Host header");
  if (head.count(http::field::transfer_encoding) > 0 && lower(head[http::field::transfer_encoding]) != "chunked")
    return error_response(400, "BAD_REQUEST", "the only transfer encoding taken is chunked");
  if (!parse_target(view(head.target())))
    return error_response(400, "BAD_REQUEST", "the request target is not a valid path and query");
  return std::nullopt;
}

http_request take_request(beast_request&& raw, name_values params, std::string request_id) {
  http_request request;
  auto method = raw.method_string();
  request.method = method == "HEAD" ? "GET" : std::string{method.data(), method.size()};
  auto target = parse_target(view(raw.target()));
  request.path = target->path;
  request.query = std::move(target->query);
  request.params = std::move(params);
  for (const auto& field : raw)
    request.headers.emplace_back(lower(field.name_string()), field.value());
  request.content_type = media_type(raw);
  request.body = std::move(raw.body());
  request.request_id = std::move(request_id);
  return request;
}

std::string media_type(const beast_request& head) {
  auto text = lower(head[http::field::content_type]);
  return std::string{trim(std::string_view{text}.substr(0, text.find(';')))};
}

std::string request_id_of(const beast_request* head) {
  if (head) {
    auto given = (*head)["x-request-id"];
    if (is_request_id(view(given)))
      return std::string{given.data(), given.size()};
  }
  return to_string(fresh_uuid());
}

bool expects_continue(const beast_request& head) {
  return head.version() >= 11 && lower(head[http::field::expect]) == "100-continue";
}

} // namespace geartrain
