#include "runtime/http/http_message.hpp"

#include "runtime/http/json_escape.hpp"

#include <algorithm>

namespace geartrain {

namespace {

const std::string* find(const name_values& all, std::string_view name) {
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == name; });
  return found == all.end() ? nullptr : &found->second;
}

} // namespace

std::string_view http_request::param(std::string_view name) const {
  const auto* value = find(params, name);
  return value ? std::string_view{*value} : std::string_view{};
}

std::optional<std::string_view> http_request::query_value(std::string_view name) const {
  auto found = std::find_if(query.rbegin(), query.rend(), [&](const auto& entry) { return entry.first == name; });
  return found == query.rend() ? std::nullopt : std::optional<std::string_view>{found->second};
}

std::string_view http_request::header(std::string_view name) const {
  const auto* value = find(headers, name);
  return value ? std::string_view{*value} : std::string_view{};
}

http_response error_response(unsigned status, std::string_view code, std::string_view message) {
  http_response response;
  response.status = status;
  response.body = "{\"error\":{\"code\":";
  append_json_string(response.body, code);
  response.body += ",\"message\":";
  append_json_string(response.body, message);
  response.body += "}}";
  return response;
}

} // namespace geartrain
