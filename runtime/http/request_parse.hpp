#pragma once

#include "runtime/http/http_message.hpp"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace geartrain {

using beast_request = boost::beast::http::request<boost::beast::http::string_body>;

/// What is wrong with a request's head before any route is looked at; nullopt: nothing.
std::optional<http_response> check_head(const beast_request& head);

/// Moves a complete request into the form that handlers see. The target must have passed check_head.
http_request take_request(beast_request&& raw, name_values params, std::string request_id);

/// The media type of the body in lower case without parameters; empty: none given.
std::string media_type(const beast_request& head);

/// The client's x-request-id if it is one (1 to 128 printable ASCII characters), else a new UUIDv7.
std::string request_id_of(const beast_request* head);

/// True if the client waits for "100 Continue" before it sends the body.
bool expects_continue(const beast_request& head);

} // namespace geartrain
